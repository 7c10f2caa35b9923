INSERT INTO notify_templates
    (tenant, kind, name, channel, locale, data, version, created_at, updated_at, deleted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)
ON CONFLICT (tenant, kind, name, channel, locale) DO UPDATE SET
    data = excluded.data,
    version = excluded.version,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at,
    deleted_at = NULL
