SELECT tenant, channel, address FROM notify_suppressions WHERE at <= ? LIMIT ?
