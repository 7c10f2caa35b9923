INSERT INTO notify_template_releases (id, data, at)
VALUES (?, ?, ?)
ON CONFLICT (id) DO NOTHING
