INSERT INTO notify_suppressions (tenant, channel, address, scope, source, at)
VALUES /*rows*/(?, ?, ?, ?, ?, ?)
ON CONFLICT (tenant, channel, address) DO UPDATE SET
    scope = excluded.scope,
    source = excluded.source,
    at = excluded.at
WHERE excluded.scope < scope
