SELECT (SELECT value FROM notify_meta WHERE key = 'schema') = (
    SELECT group_concat(sql, ';' ORDER BY name)
    FROM sqlite_schema
    WHERE type IN ('table', 'index') AND tbl_name IN (SELECT 'notify_' || value FROM json_each(?))
        AND substr(name, 1, length('notify_')) = 'notify_'
)
