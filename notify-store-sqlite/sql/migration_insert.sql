INSERT INTO notify_migrations (number, name, applied_at) VALUES (?, ?, ?)
