UPDATE OR FAIL notify_queue SET state = 1, epoch = epoch + 1, owner = ?, until = ?
WHERE state = 0 AND no IN (VALUES /*padded*/(?));
SELECT abs(-9223372036854775808) WHERE changes() <> ?
