DELETE FROM notify_suppressions WHERE at <= ? AND (tenant, channel, address) IN (VALUES /*padded*/(?, ?, ?))
