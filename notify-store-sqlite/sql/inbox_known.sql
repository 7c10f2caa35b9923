SELECT recipient, delivery, sequence
FROM notify_inbox INDEXED BY notify_inbox_delivery
WHERE tenant = ? AND delivery IN (VALUES /*rows*/(?))
