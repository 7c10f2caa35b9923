DELETE FROM notify_cap_log WHERE delivery IN (VALUES /*padded*/(?))
