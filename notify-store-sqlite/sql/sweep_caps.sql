DELETE FROM notify_cap_log
WHERE (tenant, key, at, delivery) IN (
    SELECT tenant, key, at, delivery FROM notify_cap_log WHERE over <= ? ORDER BY over LIMIT ?
)
