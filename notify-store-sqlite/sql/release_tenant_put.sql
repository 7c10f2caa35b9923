INSERT INTO notify_template_release_tenants (tenant, id, at)
VALUES (?, ?, ?)
ON CONFLICT (tenant, id) DO UPDATE SET at = max(at, excluded.at)
