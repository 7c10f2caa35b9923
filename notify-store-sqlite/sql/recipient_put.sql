INSERT INTO notify_recipients (tenant, id, data, updated_at)
VALUES /*rows*/(?, ?, ?, ?)
ON CONFLICT (tenant, id) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at
