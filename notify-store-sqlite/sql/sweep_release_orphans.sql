DELETE FROM notify_template_releases WHERE id NOT IN (SELECT id FROM notify_template_release_tenants)
