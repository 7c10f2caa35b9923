SELECT * FROM notify_delivery_view WHERE id IN (VALUES /*padded*/(?))
