WITH RECURSIVE runs (run) AS (
    SELECT min(run) FROM notify_history
    UNION ALL
    SELECT (SELECT min(run) FROM notify_history WHERE run > runs.run) FROM runs WHERE run IS NOT NULL
),
asked (bucket, tenant, recipient) AS (VALUES (?, (SELECT no FROM notify_tenants WHERE tenant = ?), ?))
SELECT count(*)
FROM asked CROSS JOIN runs CROSS JOIN notify_history AS h
    ON h.run = runs.run AND h.bucket = asked.bucket AND h.tenant = asked.tenant AND h.recipient = asked.recipient
CROSS JOIN notify_queue AS q ON q.no = h.no AND q.state = 2
