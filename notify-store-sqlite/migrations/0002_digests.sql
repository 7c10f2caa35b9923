-- What gathers until it leaves as one message. A bucket has the id of the delivery that opened it, and is gone when it left.
-- `joined`: how many joined it, also if they were taken back since.
CREATE TABLE notify_digests (
    id        BLOB PRIMARY KEY,
    tenant    INTEGER NOT NULL,
    key       BLOB NOT NULL,
    recipient TEXT NOT NULL,
    category  TEXT NOT NULL,
    channel   TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    open      INTEGER NOT NULL,
    joined    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- One open bucket for each key.
CREATE UNIQUE INDEX notify_digests_open ON notify_digests (tenant, key) WHERE open = 1;
CREATE INDEX notify_digests_recipient ON notify_digests (tenant, recipient);

-- Who waits in which bucket, and in which digest it left. One row for each delivery: nothing is a member twice.
CREATE TABLE notify_digest_members (
    delivery INTEGER PRIMARY KEY,
    bucket   BLOB NOT NULL,
    merged   BLOB
) STRICT;
CREATE INDEX notify_digest_members_waiting ON notify_digest_members (bucket, delivery) WHERE merged IS NULL;
