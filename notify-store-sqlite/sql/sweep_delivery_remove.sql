DELETE FROM notify_deliveries WHERE no IN (VALUES /*padded*/(?))
