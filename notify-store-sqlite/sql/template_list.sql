SELECT data, version, created_at, updated_at, deleted_at
FROM notify_templates
WHERE tenant = ?1 AND kind = 'template'
    AND (name, channel, locale) > (?2, ?3, ?4)
    AND (?5 IS NULL OR name = ?5)
    AND (?6 IS NULL OR channel = ?6)
    AND (?7 IS NULL OR locale = ?7)
    AND (?8 OR deleted_at IS NULL)
ORDER BY name, channel, locale
LIMIT ?9
