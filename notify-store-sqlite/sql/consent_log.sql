SELECT category, granted, source, wording, actor, at
FROM notify_consents
WHERE tenant = ? AND recipient = ?
ORDER BY no
