-- Each tenant and channel that has entries, found by jumping from one to the next.
WITH RECURSIVE places (tenant, channel) AS (
    SELECT *
    FROM (SELECT tenant, channel FROM notify_suppressions ORDER BY tenant, channel LIMIT 1)
    UNION ALL
    SELECT
        (
            SELECT s.tenant
            FROM notify_suppressions AS s
            WHERE (s.tenant, s.channel) > (p.tenant, p.channel)
            ORDER BY s.tenant, s.channel
            LIMIT 1
        ),
        (
            SELECT s.channel
            FROM notify_suppressions AS s
            WHERE (s.tenant, s.channel) > (p.tenant, p.channel)
            ORDER BY s.tenant, s.channel
            LIMIT 1
        )
    FROM places AS p
    WHERE p.tenant IS NOT NULL
)
SELECT tenant, channel
FROM places
WHERE tenant IS NOT NULL
