INSERT INTO notify_tenant_settings (tenant, settings, version, updated_at)
VALUES (?, ?, 1, ?)
ON CONFLICT (tenant) DO UPDATE SET
    settings = excluded.settings,
    version = version + 1,
    updated_at = excluded.updated_at
