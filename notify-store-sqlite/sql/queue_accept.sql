INSERT OR FAIL INTO notify_notifications
    (no, id, tenant, key, request_hash, accepted_at, expires_at, class, request)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL;
INSERT OR FAIL INTO notify_deliveries
    (no, id, notification, tenant, recipient, bucket, lane, step, state, due_at, updated_at, reason, trace, after, pinned)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL;
INSERT OR FAIL INTO notify_history (run, bucket, tenant, recipient, no)
SELECT no >> 10, bucket, tenant, recipient, no FROM notify_deliveries WHERE no BETWEEN ? AND ?;
SELECT abs(-9223372036854775808) WHERE changes() <> ?;
INSERT OR FAIL INTO notify_queue (no, lane, shard, due, state, epoch, owner, until)
SELECT * FROM (VALUES /*padded*/(?, ?, ?, ?, ?, ?, ?, ?)) WHERE column1 IS NOT NULL
