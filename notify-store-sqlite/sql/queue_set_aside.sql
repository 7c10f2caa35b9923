UPDATE notify_queue SET state = 3 WHERE no IN (VALUES /*padded*/(?))
