SELECT id, key, recipient, category, channel, opened_at, open
FROM notify_digests
WHERE tenant = (SELECT no FROM notify_tenants WHERE tenant = ?) AND recipient = ?
