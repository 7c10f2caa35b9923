SELECT version, tick, key FROM notify_schedules WHERE tenant = ? AND id = ?
