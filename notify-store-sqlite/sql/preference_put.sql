INSERT INTO notify_preferences (tenant, recipient, settings, consents, version, updated_at)
VALUES (?, ?, ?, ?, 1, ?)
ON CONFLICT (tenant, recipient) DO UPDATE SET
    settings = excluded.settings,
    consents = excluded.consents,
    version = version + 1,
    updated_at = excluded.updated_at
