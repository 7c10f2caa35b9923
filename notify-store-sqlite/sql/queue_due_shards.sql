WITH RECURSIVE asked (lane, now) AS (VALUES /*padded*/(?, ?)),
line (lane, now, shard) AS (
    SELECT lane, now, (SELECT min(shard) FROM notify_queue WHERE state = 0 AND lane = asked.lane)
    FROM asked WHERE lane IS NOT NULL
    UNION ALL
    SELECT lane, now, (SELECT min(shard) FROM notify_queue WHERE state = 0 AND lane = line.lane AND shard > line.shard)
    FROM line WHERE shard IS NOT NULL
)
SELECT lane, shard FROM line
WHERE shard IS NOT NULL
    AND (SELECT min(due) FROM notify_queue WHERE state = 0 AND lane = line.lane AND shard = line.shard) <= now
