UPDATE notify_schedules SET failure = ? WHERE tenant = ? AND id = ? AND version = ?
