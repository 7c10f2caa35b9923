INSERT INTO notify_consents (tenant, recipient, category, granted, source, actor, at)
VALUES (?, ?, ?, ?, ?, ?, ?)
