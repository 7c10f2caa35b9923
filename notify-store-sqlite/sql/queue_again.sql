UPDATE OR FAIL notify_deliveries
SET state = v.column3, settled = v.column2, reason = v.column4, updated_at = v.column5, attempts = v.column6, due_at = v.column7,
    provider = iif(v.column8, NULL, coalesce(q.provider, notify_deliveries.provider))
FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?)) AS v
CROSS JOIN notify_queue AS q ON q.no = v.column1 AND q.epoch = v.column2 AND q.state IN (1, 2)
WHERE notify_deliveries.no = v.column1;
SELECT abs(-9223372036854775808) WHERE changes() <> ?;
UPDATE OR FAIL notify_queue
SET state = 0, due = v.column2, frozen = coalesce(v.column3, frozen), interrupted = 0, owner = NULL, until = NULL
FROM (VALUES /*padded*/(?, ?, ?)) AS v
WHERE notify_queue.no = v.column1;
INSERT OR FAIL INTO notify_delivery_events (delivery, no, at, kind, reason, attempt, provider, message_id, fault,
    price, currency, segments)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL
