DELETE FROM notify_cap_log WHERE (delivery, tenant, key) IN (VALUES /*padded*/(?, ?, ?))
