DELETE FROM notify_queue WHERE no IN (VALUES /*padded*/(?))
