UPDATE notify_deliveries
SET read_at = ?
WHERE +tenant = (SELECT t.no FROM notify_tenants AS t WHERE t.tenant = ?) AND read_at IS NULL AND id IN (VALUES /*rows*/(?))
RETURNING no
