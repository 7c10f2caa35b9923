SELECT r.tenant, r.id
FROM notify_template_release_tenants AS r
WHERE r.at <= ? AND EXISTS (
    SELECT 1 FROM notify_template_release_tenants AS newer
    WHERE newer.tenant = r.tenant AND (newer.at, newer.id) > (r.at, r.id))
LIMIT 500
