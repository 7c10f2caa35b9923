INSERT INTO notify_inbox
    (tenant, recipient, sequence, delivery, notification, category, message, at, stale_at, over_at, status)
VALUES /*rows*/(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
