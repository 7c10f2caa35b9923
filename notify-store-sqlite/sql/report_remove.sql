DELETE FROM notify_reports WHERE key IN (VALUES /*padded*/(?))
