INSERT INTO notify_jobs (no, tenant, kind, subject, payload) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, subject) DO NOTHING
