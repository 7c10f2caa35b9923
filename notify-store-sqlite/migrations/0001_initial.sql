-- Times are microseconds since 1970 in UTC, ids 16 bytes, most significant first. No foreign keys where they would be looked up
-- for every row of a commit.
-- Numbers of states, priorities and so on are those of notify-core; they never change their meaning.

-- One row each: store (16 bytes, in every stamp), pepper (32 bytes), clock (the last time told), schema.
CREATE TABLE notify_meta (
    key   TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO notify_meta (key, value) VALUES
    ('store', randomblob(16)), ('pepper', randomblob(32)), ('clock', 0);

-- Names by number, so that rows stay narrow. Never deleted: a number keeps its meaning.
CREATE TABLE notify_tenants (
    no     INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE notify_lanes (
    no       INTEGER PRIMARY KEY,
    priority INTEGER NOT NULL,
    channel  TEXT NOT NULL,
    UNIQUE (priority, channel)
) STRICT;

-- Reasons, kinds of events, names of providers, and how deliveries were decided.
CREATE TABLE notify_words (
    no   INTEGER PRIMARY KEY,
    word TEXT NOT NULL UNIQUE
) STRICT;

-- What was asked for. Never updated except by erasure, to move it to another time, and to forget its key; holds no addresses.
-- Notifications, deliveries and jobs are numbered together. A notification has the number of its first delivery, and those of one
-- accept follow each other: the deliveries of a notification are found without an index.
CREATE TABLE notify_notifications (
    no           INTEGER PRIMARY KEY,
    id           BLOB NOT NULL,
    tenant       INTEGER NOT NULL,
    key          BLOB,
    request_hash BLOB,
    accepted_at  INTEGER NOT NULL,
    expires_at   INTEGER,
    class        INTEGER NOT NULL,
    request      TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX notify_notifications_id ON notify_notifications (id);
CREATE UNIQUE INDEX notify_notifications_key ON notify_notifications (tenant, key) WHERE key IS NOT NULL;

-- Where each delivery stands at rest; while it is lent or being sent, the queue says so. A settlement changes nothing of the
-- row's length, so that it is written in place: what is known of a call is in the events. `frozen` and `epoch` are what its job
-- left here when it ended, `provider` who was called where no event says so.
CREATE TABLE notify_deliveries (
    no           INTEGER PRIMARY KEY,
    id           BLOB NOT NULL,
    notification INTEGER NOT NULL,
    tenant       INTEGER NOT NULL,
    recipient    TEXT NOT NULL,
    bucket       INTEGER NOT NULL,
    lane         INTEGER NOT NULL,
    step         INTEGER NOT NULL,
    state        INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    attempts     INTEGER NOT NULL DEFAULT 0,
    settled      INTEGER NOT NULL DEFAULT 0,
    epoch        INTEGER NOT NULL DEFAULT 0,
    reason       INTEGER,
    trace        INTEGER,
    after        TEXT,
    pinned       TEXT,
    frozen       TEXT,
    provider     INTEGER,
    seen_at      INTEGER,
    read_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX notify_deliveries_id ON notify_deliveries (id);
CREATE INDEX notify_deliveries_dead ON notify_deliveries (tenant, id) WHERE state IN (8, 9);

-- Which deliveries a person has. An index by person over all deliveries would have every accept write pages all over the file.
-- So there are runs, each an index of its own: `no >> 10` while young, and -1 - (no >> 16) once 64 of those were merged into one,
-- bucket by bucket, where `bucket` is a hash of the person.
CREATE TABLE notify_history (
    run       INTEGER NOT NULL,
    bucket    INTEGER NOT NULL,
    tenant    INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    no        INTEGER NOT NULL,
    PRIMARY KEY (run, bucket, tenant, recipient, no)
) STRICT, WITHOUT ROWID;

-- The timeline, except for `accepted`, which the delivery itself tells. `no` grows; that of a settlement is its epoch times 65,536.
-- `report` is what a vendor reported, as JSON; without it the entry is the system's own.
CREATE TABLE notify_delivery_events (
    delivery   INTEGER NOT NULL,
    no         INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    reason     INTEGER,
    attempt    INTEGER,
    provider   INTEGER,
    message_id TEXT,
    fault      TEXT,
    report     TEXT,
    PRIMARY KEY (delivery, no)
) STRICT, WITHOUT ROWID;

-- The messages that providers took which report what becomes of them; `epoch` is that of the settlement, or 0 of what
-- a reader answered. A provider that reports nothing costs nothing here. `answers`: the provider passes on what readers answer, which names their address only.
CREATE TABLE notify_messages (
    delivery INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    target   INTEGER NOT NULL,
    provider INTEGER NOT NULL,
    message  TEXT NOT NULL,
    address  BLOB NOT NULL,
    answers  INTEGER NOT NULL,
    PRIMARY KEY (delivery, epoch, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_messages_message ON notify_messages (message);
CREATE INDEX notify_messages_address ON notify_messages (address) WHERE answers = 1;

-- Reports whose delivery is not known yet: by a hash of what tells them apart. `event` is JSON and holds no address.
CREATE TABLE notify_reports (
    key     BLOB PRIMARY KEY,
    event   TEXT NOT NULL,
    address BLOB,
    since   INTEGER NOT NULL,
    look_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_reports_look ON notify_reports (look_at);
CREATE INDEX notify_reports_since ON notify_reports (since);

-- The soft bounces of an address, as JSON; `over` is when the newest counts no more.
CREATE TABLE notify_bounces (
    tenant  TEXT NOT NULL,
    channel TEXT NOT NULL,
    address BLOB NOT NULL,
    tally   TEXT NOT NULL,
    over    INTEGER NOT NULL,
    PRIMARY KEY (tenant, channel, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_bounces_over ON notify_bounces (over);

-- What still has something to do: deliveries and jobs by their number. `state`: 0 ready, 1 lent, 2 being sent, 3 poison.
CREATE TABLE notify_queue (
    no          INTEGER PRIMARY KEY,
    lane        INTEGER NOT NULL,
    shard       INTEGER NOT NULL,
    due         INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    owner       INTEGER,
    until       INTEGER,
    sends       INTEGER NOT NULL DEFAULT 0,
    crashes     INTEGER NOT NULL DEFAULT 0,
    interrupted INTEGER NOT NULL DEFAULT 0,
    provider    INTEGER,
    frozen      TEXT
) STRICT;
CREATE INDEX notify_queue_ready ON notify_queue (lane, shard, due, no) WHERE state = 0;
CREATE INDEX notify_queue_poison ON notify_queue (lane) WHERE state = 3;

-- Jobs that are no deliveries.
CREATE TABLE notify_jobs (
    no      INTEGER PRIMARY KEY,
    tenant  INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    subject BLOB NOT NULL,
    settled INTEGER NOT NULL DEFAULT 0,
    payload BLOB NOT NULL,
    UNIQUE (kind, subject)
) STRICT;

-- Deliveries as they are read: with everything that is kept elsewhere.
CREATE VIEW notify_delivery_view AS
SELECT
    d.no, d.id, t.tenant, n.id AS notification, n.request, d.recipient, d.pinned, l.priority, l.channel, d.step, d.after, n.class,
    iif(q.state = 2, 3, d.state) AS state, r.word AS reason, w.word AS trace, n.accepted_at, coalesce(q.due, d.due_at) AS due_at,
    n.expires_at, d.updated_at, d.seen_at, d.read_at, d.attempts,
    (SELECT word FROM notify_words WHERE no = coalesce(q.provider, d.provider, (
        SELECT provider FROM notify_delivery_events
        WHERE delivery = d.no AND provider IS NOT NULL AND report IS NULL ORDER BY no DESC LIMIT 1))) AS provider,
    (SELECT message_id FROM notify_delivery_events
        WHERE delivery = d.no AND message_id IS NOT NULL AND report IS NULL ORDER BY no DESC LIMIT 1) AS message_id,
    (SELECT fault FROM notify_delivery_events
        WHERE delivery = d.no AND fault IS NOT NULL AND report IS NULL ORDER BY no DESC LIMIT 1) AS fault,
    d.tenant AS tenant_no, d.notification AS notification_no
FROM notify_deliveries AS d
JOIN notify_notifications AS n ON n.no = d.notification
JOIN notify_tenants AS t ON t.no = d.tenant
JOIN notify_lanes AS l ON l.no = d.lane
LEFT JOIN notify_queue AS q ON q.no = d.no
LEFT JOIN notify_words AS r ON r.no = d.reason
LEFT JOIN notify_words AS w ON w.no = d.trace;

-- Who is told. `data` is the recipient as JSON.
CREATE TABLE notify_recipients (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,
    data       TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- What a person wants. `version` grows with every change, also of consents; the row stays, so that a stamp never comes back.
-- A stamp's version is this version plus the tenant's, each 0 where there is no row.
CREATE TABLE notify_preferences (
    tenant     TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    settings   TEXT NOT NULL,
    consents   TEXT NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, recipient)
) STRICT, WITHOUT ROWID;

CREATE TABLE notify_tenant_settings (
    tenant     TEXT PRIMARY KEY,
    settings   TEXT NOT NULL,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The consent log: who agreed to what, when, and in what words.
CREATE TABLE notify_consents (
    no        INTEGER PRIMARY KEY,
    tenant    TEXT NOT NULL,
    recipient TEXT NOT NULL,
    category  TEXT NOT NULL,
    granted   INTEGER NOT NULL,
    source    TEXT NOT NULL,
    actor     TEXT NOT NULL,
    at        INTEGER NOT NULL
) STRICT;
CREATE INDEX notify_consents_recipient ON notify_consents (tenant, recipient);

-- `scope`: 0 for anything, 1 for marketing.
CREATE TABLE notify_suppressions (
    tenant  TEXT NOT NULL,
    channel TEXT NOT NULL,
    address BLOB NOT NULL,
    scope   INTEGER NOT NULL,
    source  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, channel, address)
) STRICT, WITHOUT ROWID;

-- When a delivery was counted under a cap: an exact sliding window. `over` is when the entry leaves it.
CREATE TABLE notify_cap_log (
    tenant   INTEGER NOT NULL,
    key      BLOB NOT NULL,
    at       INTEGER NOT NULL,
    delivery BLOB NOT NULL,
    over     INTEGER NOT NULL,
    PRIMARY KEY (tenant, key, at, delivery)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_cap_log_delivery ON notify_cap_log (delivery);
CREATE INDEX notify_cap_log_over ON notify_cap_log (over);

-- What was said to whom until when, so that it is not said twice.
CREATE TABLE notify_content_log (
    tenant       INTEGER NOT NULL,
    content      BLOB NOT NULL,
    over         INTEGER NOT NULL,
    notification BLOB NOT NULL,
    PRIMARY KEY (tenant, content)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_content_log_over ON notify_content_log (over);

-- Templates, partials and translations, each with the names that its kind has; the others are empty. Deleted rows stay, so
-- that a version never comes back.
CREATE TABLE notify_templates (
    tenant     TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    channel    TEXT NOT NULL,
    locale     TEXT NOT NULL,
    data       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    PRIMARY KEY (tenant, kind, name, channel, locale)
) STRICT, WITHOUT ROWID;

-- Releases: frozen sets, by the hash of their content, once for all tenants that published them.
CREATE TABLE notify_template_releases (
    id   BLOB PRIMARY KEY,
    data TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;

CREATE TABLE notify_template_release_tenants (
    tenant TEXT NOT NULL,
    id     BLOB NOT NULL REFERENCES notify_template_releases,
    at     INTEGER NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- `dsn` holds the names of secrets, never a secret.
CREATE TABLE notify_providers (
    name       TEXT PRIMARY KEY,
    channel    TEXT NOT NULL,
    dsn        TEXT NOT NULL,
    enabled    INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    weight     INTEGER NOT NULL,
    rate_limit TEXT,
    daily_max  INTEGER,
    version    INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How often what a room holds has changed: `templates` by tenant, `providers` for all.
CREATE TABLE notify_revisions (
    room     TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (room, tenant)
) STRICT, WITHOUT ROWID;

-- Inboxes. `status` as in notify-core; `message` is JSON. `over_at` is when an item is removed, where the person chose for how long
-- items are kept; else that follows from `at`.
CREATE TABLE notify_inbox (
    tenant       TEXT NOT NULL,
    recipient    TEXT NOT NULL,
    sequence     INTEGER NOT NULL,
    delivery     BLOB NOT NULL,
    notification BLOB NOT NULL,
    category     TEXT NOT NULL,
    message      TEXT NOT NULL,
    at           INTEGER NOT NULL,
    stale_at     INTEGER,
    over_at      INTEGER,
    status       INTEGER NOT NULL,
    PRIMARY KEY (tenant, recipient, sequence)
) STRICT, WITHOUT ROWID;
CREATE INDEX notify_inbox_delivery ON notify_inbox (delivery);
CREATE INDEX notify_inbox_at ON notify_inbox (at) WHERE over_at IS NULL;
CREATE INDEX notify_inbox_over ON notify_inbox (over_at) WHERE over_at IS NOT NULL;
CREATE INDEX notify_inbox_stale ON notify_inbox (stale_at) WHERE stale_at IS NOT NULL AND status < 2;

-- One row for each inbox: the sequence of its newest item, also if that is gone, and what a count over the items would give.
CREATE TABLE notify_inbox_state (
    tenant         TEXT NOT NULL,
    recipient      TEXT NOT NULL,
    last_sequence  INTEGER NOT NULL,
    items          INTEGER NOT NULL,
    unread         INTEGER NOT NULL,
    unseen         INTEGER NOT NULL,
    retention_days INTEGER,
    PRIMARY KEY (tenant, recipient)
) STRICT, WITHOUT ROWID;

-- One row for each action of an operator.
CREATE TABLE notify_audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       INTEGER NOT NULL,
    tenant   TEXT NOT NULL,
    actor    TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL
) STRICT;
CREATE INDEX notify_audit_tenant ON notify_audit (tenant, sequence);
