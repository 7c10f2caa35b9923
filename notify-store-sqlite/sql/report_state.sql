SELECT (SELECT count(*) FROM notify_reports), (SELECT min(look_at) FROM notify_reports), (SELECT min(since) FROM notify_reports), (SELECT min(over) FROM notify_bounces)
