SELECT v.column1, d.no, d.tenant, d.state, d.settled, d.epoch, d.lane, q.state, q.epoch, d.seen_at IS NOT NULL
FROM (VALUES /*padded*/(?, ?)) AS v
CROSS JOIN notify_deliveries AS d ON d.id = v.column2
LEFT JOIN notify_queue AS q ON q.no = d.no
