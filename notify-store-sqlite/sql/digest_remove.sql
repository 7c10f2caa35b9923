DELETE FROM notify_digests WHERE id IN (VALUES /*padded*/(?))
