INSERT INTO notify_reports (key, event, address, since, look_at) VALUES /*rows*/(?, ?, ?, ?, ?)
ON CONFLICT (key) DO NOTHING
