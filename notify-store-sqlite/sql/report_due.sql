SELECT key, event, address, since FROM notify_reports WHERE look_at <= ? ORDER BY +since, key LIMIT ?
