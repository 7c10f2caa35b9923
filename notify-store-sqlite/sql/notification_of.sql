SELECT d.no, n.id
FROM notify_deliveries AS d JOIN notify_notifications AS n ON n.no = d.notification
WHERE d.no IN (VALUES /*padded*/(?))
