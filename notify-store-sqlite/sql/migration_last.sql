SELECT coalesce(max(number), 0) FROM notify_migrations
