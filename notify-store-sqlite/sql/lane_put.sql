INSERT INTO notify_lanes (priority, channel) VALUES (?, ?)
ON CONFLICT (priority, channel) DO UPDATE SET channel = excluded.channel
RETURNING no
