SELECT q.no, d.id, q.crashes + (q.state = 2 OR d.no IS NULL)
FROM notify_queue AS q LEFT JOIN notify_deliveries AS d ON d.no = q.no
WHERE q.state IN (1, 2) AND q.no IN (VALUES /*padded*/(?))
