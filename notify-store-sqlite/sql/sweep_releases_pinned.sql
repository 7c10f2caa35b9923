SELECT DISTINCT t.tenant, pinned.release
FROM (
    SELECT d.tenant, q.frozen -> '$.release' AS release
    FROM notify_queue AS q JOIN notify_deliveries AS d ON d.no = q.no
    WHERE q.frozen IS NOT NULL
    UNION
    SELECT tenant, frozen -> '$.release' FROM notify_deliveries
    WHERE state IN (8, 9) AND frozen IS NOT NULL
) AS pinned
JOIN notify_tenants AS t ON t.no = pinned.tenant
WHERE pinned.release IS NOT NULL
