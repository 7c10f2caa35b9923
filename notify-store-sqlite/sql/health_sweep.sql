DELETE FROM notify_health
WHERE since < ?
