SELECT DISTINCT no % 64 FROM notify_tenants
