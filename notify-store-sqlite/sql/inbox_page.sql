SELECT sequence, delivery, notification, category, message, at, stale_at, status
FROM notify_inbox
WHERE tenant = ? AND recipient = ? AND sequence < ? AND (status <> 3 OR ?)
ORDER BY sequence DESC
LIMIT ?
