UPDATE notify_digest_members SET merged = ? WHERE delivery IN (VALUES /*padded*/(?))
