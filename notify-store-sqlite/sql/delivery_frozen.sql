SELECT no, frozen FROM notify_deliveries WHERE frozen IS NOT NULL AND no IN (VALUES /*padded*/(?))
