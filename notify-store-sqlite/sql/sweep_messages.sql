DELETE FROM notify_messages WHERE delivery IN (VALUES /*padded*/(?))
