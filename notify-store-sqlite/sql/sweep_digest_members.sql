DELETE FROM notify_digest_members WHERE delivery IN (VALUES /*padded*/(?))
