DELETE FROM notify_delivery_events WHERE delivery IN (VALUES /*padded*/(?))
