UPDATE notify_inbox
SET over_at = min(at, 9223372036854775807 - ?1) + ?1
WHERE tenant = ?2 AND recipient = ?3
