UPDATE notify_deliveries
SET state = 2, reason = NULL, updated_at = ?, due_at = ?, attempts = 0, frozen = NULL
WHERE no IN (VALUES /*padded*/(?))
