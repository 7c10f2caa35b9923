INSERT INTO notify_schedules (tenant, id, key, scheduled, paused, version, created_at, updated_at, tick)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, id) DO UPDATE SET
    key = excluded.key, scheduled = excluded.scheduled, paused = excluded.paused, version = excluded.version,
    updated_at = excluded.updated_at, tick = excluded.tick, failure = NULL
