SELECT unread, unseen
FROM notify_inbox_state
WHERE tenant = ? AND recipient = ?
