SELECT no, accepted_at, key IS NOT NULL FROM notify_notifications WHERE no > ? ORDER BY no LIMIT ?
