DELETE FROM notify_schedules WHERE tenant = ? AND id = ?
