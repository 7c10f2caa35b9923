-- Schedules: what is sent, to whom and when, as JSON. `tick` is the subject of the job that it has in the queue; the job may be over.
-- `failure` is JSON. `paused`: 0 or 1.
CREATE TABLE notify_schedules (
    tenant     TEXT NOT NULL,
    id         BLOB NOT NULL,
    key        TEXT NOT NULL,
    scheduled  TEXT NOT NULL,
    paused     INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    tick       BLOB,
    failure    TEXT,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notify_schedules_key ON notify_schedules (tenant, key);

-- Whom a schedule names.
CREATE TABLE notify_schedule_recipients (
    tenant    TEXT NOT NULL,
    recipient TEXT NOT NULL,
    schedule  BLOB NOT NULL,
    PRIMARY KEY (tenant, recipient, schedule)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_schedule_recipients_schedule ON notify_schedule_recipients (tenant, schedule);
