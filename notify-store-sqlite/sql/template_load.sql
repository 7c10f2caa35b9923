SELECT data, version, created_at, updated_at, deleted_at
FROM notify_templates
WHERE tenant = ? AND kind = ? AND name = ? AND channel = ? AND locale = ?
