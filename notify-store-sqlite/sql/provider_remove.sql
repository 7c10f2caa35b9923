DELETE FROM notify_providers
WHERE name = ?
