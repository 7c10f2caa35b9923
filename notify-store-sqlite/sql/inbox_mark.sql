UPDATE notify_inbox
SET status = ?
WHERE tenant = ? AND recipient = ? AND sequence IN (SELECT value FROM json_each(?))
