DELETE FROM notify_template_release_tenants WHERE at <= ? AND (tenant, id) IN (VALUES /*rows*/(?, ?))
