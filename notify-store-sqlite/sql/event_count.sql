SELECT count(*) FROM notify_delivery_events WHERE delivery = ?
