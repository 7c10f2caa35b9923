DELETE FROM notify_reports WHERE since <= ?
