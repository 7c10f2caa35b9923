INSERT INTO notify_consents (tenant, recipient, category, granted, source, wording, actor, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
