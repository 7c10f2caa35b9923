INSERT INTO notify_providers
    (name, channel, dsn, enabled, priority, weight, rate_limit, daily_max, version, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    channel = excluded.channel,
    dsn = excluded.dsn,
    enabled = excluded.enabled,
    priority = excluded.priority,
    weight = excluded.weight,
    rate_limit = excluded.rate_limit,
    daily_max = excluded.daily_max,
    version = excluded.version,
    updated_at = excluded.updated_at
