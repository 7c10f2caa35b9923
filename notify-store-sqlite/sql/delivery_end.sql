UPDATE notify_deliveries
SET state = ?, reason = ?, updated_at = ?, epoch = v.epoch, due_at = coalesce(v.due, notify_deliveries.due_at),
    provider = coalesce(v.provider, notify_deliveries.provider), pinned = iif(?, notify_deliveries.pinned, NULL), frozen = iif(?, coalesce(v.frozen, notify_deliveries.frozen), NULL)
FROM (
    SELECT e.column1 AS no, e.column2 AS epoch, q.due, q.provider, q.frozen
    FROM (VALUES /*padded*/(?, ?)) AS e LEFT JOIN notify_queue AS q ON q.no = e.column1
) AS v
WHERE notify_deliveries.no = v.no
