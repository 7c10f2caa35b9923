DELETE FROM notify_recipients
WHERE tenant = ? AND id IN (VALUES /*rows*/(?))
RETURNING id
