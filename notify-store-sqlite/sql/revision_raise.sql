INSERT INTO notify_revisions (room, tenant, revision)
VALUES (?, ?, 1)
ON CONFLICT (room, tenant) DO UPDATE SET revision = revision + 1
