INSERT INTO notify_history (run, bucket, tenant, recipient, no) VALUES /*rows*/(?, ?, ?, ?, ?)
