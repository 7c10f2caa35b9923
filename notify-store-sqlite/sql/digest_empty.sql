DELETE FROM notify_digest_members WHERE bucket = ? AND merged IS NULL
