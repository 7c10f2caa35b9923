SELECT q.no, q.epoch, coalesce(q.owner, -1), coalesce(q.until, 0), q.lane, d.id, j.kind, j.subject, q.state
FROM notify_queue AS q
LEFT JOIN notify_deliveries AS d ON d.no = q.no
LEFT JOIN notify_jobs AS j ON j.no = q.no
WHERE q.state IN (1, 2)
