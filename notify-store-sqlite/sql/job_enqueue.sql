INSERT INTO notify_queue (no, lane, shard, due, state, epoch) VALUES (?, ?, ?, ?, 0, 0)
