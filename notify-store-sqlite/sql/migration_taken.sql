SELECT name, name = 'notify_meta' AS is_ours
FROM sqlite_schema
WHERE name IN (SELECT 'notify_' || value FROM json_each(?))
ORDER BY is_ours DESC, name
LIMIT 1
