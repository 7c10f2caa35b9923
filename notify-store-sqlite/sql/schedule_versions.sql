WITH asked (tenant) AS (VALUES (?))
SELECT s.id, s.version
FROM asked CROSS JOIN notify_schedules AS s ON s.tenant = asked.tenant AND s.id IN (VALUES /*padded*/(?))
WHERE s.paused = 0
