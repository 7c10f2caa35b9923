SELECT recipient, last_sequence, items, unread, unseen, retention_days
FROM notify_inbox_state
WHERE tenant = ? AND recipient IN (VALUES /*rows*/(?))
