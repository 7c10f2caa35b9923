UPDATE OR FAIL notify_deliveries
SET state = v.column3, settled = v.column2, reason = v.column4, updated_at = v.column5, attempts = v.column6, due_at = q.due,
    pinned = iif(v.column3 IN (8, 9), pinned, NULL),
    frozen = iif(v.column3 IN (8, 9), coalesce(v.column7, q.frozen), NULL),
    provider = iif(v.column8, NULL, coalesce(q.provider, notify_deliveries.provider))
FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?)) AS v
CROSS JOIN notify_queue AS q ON q.no = v.column1 AND q.epoch = v.column2 AND q.state IN (1, 2)
WHERE notify_deliveries.no = v.column1;
SELECT abs(-9223372036854775808) WHERE changes() <> ?;
DELETE FROM notify_queue WHERE no IN (VALUES /*padded*/(?));
INSERT OR FAIL INTO notify_delivery_events (delivery, no, at, kind, reason, attempt, provider, message_id, fault,
    price, currency, segments)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL
