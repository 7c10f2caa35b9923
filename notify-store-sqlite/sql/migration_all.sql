SELECT number, name FROM notify_migrations ORDER BY number
