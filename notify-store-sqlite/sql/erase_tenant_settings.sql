WITH gone (pseudonym, tenant, recipient) AS (VALUES (?, ?, ?))
INSERT INTO notify_tenant_settings (tenant, settings, version, updated_at)
SELECT p.tenant, '{}', p.version + 1, p.updated_at
FROM gone CROSS JOIN notify_preferences AS p ON p.tenant = gone.tenant AND p.recipient = gone.recipient
WHERE true
ON CONFLICT (tenant) DO UPDATE SET version = version + excluded.version
