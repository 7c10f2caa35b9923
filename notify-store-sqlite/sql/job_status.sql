SELECT v.column1, j.no, j.tenant, 2, j.settled, 0, coalesce(q.lane, 0), q.state, q.epoch, 0
FROM (VALUES /*padded*/(?, ?, ?)) AS v
CROSS JOIN notify_jobs AS j ON j.kind = v.column2 AND j.subject = v.column3
LEFT JOIN notify_queue AS q ON q.no = j.no
