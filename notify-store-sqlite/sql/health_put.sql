INSERT INTO notify_health (provider, scope, state, until, relapses, since, owner, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (provider, scope) DO UPDATE SET
    state = excluded.state,
    until = excluded.until,
    relapses = excluded.relapses,
    since = excluded.since,
    owner = excluded.owner,
    version = excluded.version
