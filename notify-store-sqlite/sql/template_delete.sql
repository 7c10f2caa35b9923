UPDATE notify_templates
SET deleted_at = ?
WHERE tenant = ? AND kind = ? AND name = ? AND channel = ? AND locale = ? AND deleted_at IS NULL
