SELECT sequence, delivery, status
FROM notify_inbox
WHERE tenant = ? AND recipient = ? AND status < ? AND sequence IN (SELECT value FROM json_each(?))
