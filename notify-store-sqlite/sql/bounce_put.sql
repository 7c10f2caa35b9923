INSERT INTO notify_bounces (tenant, channel, address, tally, over) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (tenant, channel, address) DO UPDATE SET tally = excluded.tally, over = max(over, excluded.over)
