INSERT INTO notify_digests (id, tenant, key, recipient, category, channel, opened_at, open, joined)
VALUES /*rows*/(?, ?, ?, ?, ?, ?, ?, ?, ?)
