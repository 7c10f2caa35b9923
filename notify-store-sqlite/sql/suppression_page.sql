SELECT channel, address, scope, source, at
FROM notify_suppressions
WHERE tenant = ? AND (channel, address) > (?, ?)
ORDER BY channel, address
LIMIT ?
