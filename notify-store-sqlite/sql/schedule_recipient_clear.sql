DELETE FROM notify_schedule_recipients WHERE tenant = ? AND schedule = ?
