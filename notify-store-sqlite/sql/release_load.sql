SELECT r.data
FROM notify_template_release_tenants AS t
JOIN notify_template_releases AS r ON r.id = t.id
WHERE t.tenant = ? AND t.id = ?
