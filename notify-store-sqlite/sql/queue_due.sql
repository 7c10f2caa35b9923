WITH asked (shard) AS (VALUES /*padded*/(?)), lane (no, now) AS (VALUES (?, ?))
SELECT q.no, q.shard, q.due, q.epoch, q.sends, q.crashes, q.interrupted, q.frozen, t.tenant, d.id, j.kind, j.subject, j.payload
FROM lane CROSS JOIN asked CROSS JOIN notify_queue AS q
LEFT JOIN notify_deliveries AS d ON d.no = q.no
LEFT JOIN notify_jobs AS j ON j.no = q.no
CROSS JOIN notify_tenants AS t ON t.no = coalesce(d.tenant, j.tenant)
WHERE q.no IN (
    SELECT head.no FROM notify_queue AS head
    WHERE head.state = 0 AND head.lane = lane.no AND head.shard = asked.shard AND head.due <= lane.now
    ORDER BY head.due, head.no
    LIMIT ?
)
