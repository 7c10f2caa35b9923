SELECT channel, address, scope
FROM notify_suppressions
WHERE tenant = ? AND (channel, address) IN (VALUES /*rows*/(?, ?))
