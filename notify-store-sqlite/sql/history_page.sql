WITH RECURSIVE runs (run) AS (
    SELECT min(run) FROM notify_history
    UNION ALL
    SELECT (SELECT min(run) FROM notify_history WHERE run > runs.run) FROM runs WHERE run IS NOT NULL
),
asked (bucket, tenant, recipient, before) AS (
    VALUES (?, (SELECT no FROM notify_tenants WHERE tenant = ?), ?, iif(?, 9223372036854775807, coalesce(
        (SELECT no FROM notify_deliveries WHERE id = ?),
        (SELECT no + 1 FROM notify_deliveries WHERE id < ? ORDER BY id DESC LIMIT 1),
        0)))
),
page (no) AS MATERIALIZED (
    SELECT h.no
    FROM asked CROSS JOIN runs CROSS JOIN notify_history AS h
        ON h.run = runs.run AND h.bucket = asked.bucket AND h.tenant = asked.tenant AND h.recipient = asked.recipient
            AND h.no < asked.before
    ORDER BY h.no DESC
    LIMIT ?
)
SELECT v.* FROM page CROSS JOIN notify_delivery_view AS v ON v.no = page.no ORDER BY page.no DESC
