SELECT name, channel, dsn, enabled, priority, weight, rate_limit, daily_max, version, updated_at
FROM notify_providers
ORDER BY channel, priority, name
