DELETE FROM notify_health
WHERE provider = ? AND scope = ?
