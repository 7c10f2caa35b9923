SELECT version
FROM notify_providers
WHERE name = ?
