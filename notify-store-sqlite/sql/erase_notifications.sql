UPDATE notify_notifications
SET request = v.column2, key = NULL, request_hash = NULL
FROM (VALUES /*padded*/(?, ?)) AS v
WHERE notify_notifications.no = v.column1
