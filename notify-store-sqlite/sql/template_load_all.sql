SELECT data, version, created_at, updated_at, deleted_at, kind
FROM notify_templates
WHERE tenant = ? AND deleted_at IS NULL
ORDER BY kind, name, channel, locale
