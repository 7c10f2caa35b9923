DELETE FROM notify_suppressions
WHERE tenant = ? AND channel = ? AND address = ?
