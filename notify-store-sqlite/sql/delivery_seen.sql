UPDATE notify_deliveries
SET seen_at = ?
WHERE +tenant = (SELECT t.no FROM notify_tenants AS t WHERE t.tenant = ?) AND seen_at IS NULL AND id IN (VALUES /*rows*/(?))
RETURNING no
