SELECT provider, scope, state, until, relapses, since, owner, version
FROM notify_health
ORDER BY provider, scope
