SELECT no FROM notify_tenants WHERE tenant = ?
