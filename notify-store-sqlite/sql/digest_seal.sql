UPDATE notify_digests SET open = 0
WHERE open = 1 AND id = ? AND tenant = (SELECT no FROM notify_tenants WHERE tenant = ?)
