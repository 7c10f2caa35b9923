UPDATE notify_inbox_state
SET items = items - gone.column3, unread = unread - gone.column4, unseen = unseen - gone.column5
FROM (VALUES /*rows*/(?, ?, ?, ?, ?)) AS gone
WHERE tenant = gone.column1 AND recipient = gone.column2
