INSERT INTO notify_tenants (tenant) VALUES (?)
ON CONFLICT (tenant) DO UPDATE SET tenant = excluded.tenant
RETURNING no
