SELECT id, key, recipient, category, channel, opened_at, open
FROM notify_digests
WHERE id = ? AND tenant = (SELECT no FROM notify_tenants WHERE tenant = ?)
