DELETE FROM notify_history WHERE (run, bucket, tenant, recipient, no) IN (VALUES /*padded*/(?, ?, ?, ?, ?))
