-- Providers that are not well, for the next process: `scope` is '' for all that a provider reaches. `version` is the revision of the
-- room `health` at the change, so that none comes back.
CREATE TABLE notify_health (
    provider TEXT NOT NULL,
    scope    TEXT NOT NULL,
    state    TEXT NOT NULL,
    until    INTEGER,
    relapses INTEGER NOT NULL,
    since    INTEGER NOT NULL,
    owner    BLOB NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (provider, scope)
) STRICT, WITHOUT ROWID;

-- What a call costs, as the vendor says: millionths of a currency, and parts of the message.
ALTER TABLE notify_delivery_events ADD COLUMN price INTEGER;
ALTER TABLE notify_delivery_events ADD COLUMN currency TEXT;
ALTER TABLE notify_delivery_events ADD COLUMN segments INTEGER;
