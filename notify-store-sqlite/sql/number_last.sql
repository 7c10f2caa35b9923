SELECT max(
    coalesce((SELECT max(no) FROM notify_notifications), 0),
    coalesce((SELECT max(no) FROM notify_deliveries), 0),
    coalesce((SELECT max(no) FROM notify_jobs), 0)
)
