INSERT INTO notify_queue (no, lane, shard, due, state, epoch, frozen)
SELECT column1, column2, column3, column4, 0, column5, column6
FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL
