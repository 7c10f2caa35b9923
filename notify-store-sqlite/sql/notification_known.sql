SELECT id FROM notify_notifications WHERE id IN (VALUES /*padded*/(?))
