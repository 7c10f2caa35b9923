WITH RECURSIVE runs (run) AS (
    SELECT min(run) FROM notify_history
    UNION ALL
    SELECT (SELECT min(run) FROM notify_history WHERE run > runs.run) FROM runs WHERE run IS NOT NULL
),
asked (bucket, tenant, recipient) AS (VALUES (?, (SELECT no FROM notify_tenants WHERE tenant = ?), ?))
SELECT h.run, d.no, d.id, d.notification, d.tenant
FROM asked CROSS JOIN runs CROSS JOIN notify_history AS h
    ON h.run = runs.run AND h.bucket = asked.bucket AND h.tenant = asked.tenant AND h.recipient = asked.recipient
CROSS JOIN notify_deliveries AS d ON d.no = h.no
LEFT JOIN notify_queue AS q ON q.no = h.no
WHERE q.state IS NOT 2
LIMIT ?
