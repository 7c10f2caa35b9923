UPDATE notify_inbox_state
SET unread = unread - ?, unseen = unseen - ?
WHERE tenant = ? AND recipient = ?
