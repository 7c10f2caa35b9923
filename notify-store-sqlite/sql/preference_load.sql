SELECT recipient, settings, consents, version
FROM notify_preferences
WHERE tenant = ? AND recipient IN (VALUES /*rows*/(?))
