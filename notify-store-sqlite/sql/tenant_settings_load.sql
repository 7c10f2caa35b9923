SELECT settings, version
FROM notify_tenant_settings
WHERE tenant = ?
