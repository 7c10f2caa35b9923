SELECT id FROM notify_schedules WHERE tenant = ? AND key = ?
