SELECT v.column1, n.id, n.request_hash
FROM (VALUES /*padded*/(?, ?, ?)) AS v
CROSS JOIN notify_notifications AS n ON n.tenant = v.column2 AND n.key = v.column3
