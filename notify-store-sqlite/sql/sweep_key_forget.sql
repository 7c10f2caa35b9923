UPDATE notify_notifications SET key = NULL, request_hash = NULL WHERE no IN (VALUES /*padded*/(?))
