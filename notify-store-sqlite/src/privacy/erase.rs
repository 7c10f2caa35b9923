//! Takes one person out of every table.
//!
//! [`ROOMS`] is the place where a table with a person in it is named: a test looks for columns that are not.

use notify_core::delivery::EventKind;
use notify_core::privacy::{Erased, Erasure};
use notify_core::queue::Job;
use notify_core::{DeliveryId, DeliveryState, NotificationRequest, Reason, Result};

use crate::audit;
use crate::cache::Changing;
use crate::engine::Engine;
use crate::history;
use crate::queue::{End, end_all, status};
use crate::row::{Args, bytes, column, json, to_json, unsigned};
use crate::session::Session;

/// How many deliveries one call erases.
const PIECE: i64 = 500;

/// What is done in each table that holds something of people, in this order. Every statement takes the pseudonym, the tenant's name and
/// the person's id. Deliveries, their history, events, messages and notifications come before, a piece at a time: see
/// [`Erasing::deliveries`].
const ROOMS: &[(&str, &str)] = &[
    ("recipients", include_str!("../../sql/erase_recipients.sql")),
    // The version of the person's preferences goes on in the tenant's: no stamp of theirs comes back.
    (
        "tenant_settings",
        include_str!("../../sql/erase_tenant_settings.sql"),
    ),
    (
        "preferences",
        include_str!("../../sql/erase_preferences.sql"),
    ),
    ("consents", include_str!("../../sql/erase_consents.sql")),
    ("inbox", include_str!("../../sql/erase_inbox.sql")),
    (
        "inbox_state",
        include_str!("../../sql/erase_inbox_state.sql"),
    ),
    // What gathered in them is cancelled; nothing of somebody who comes back under the same id joins them.
    ("digests", include_str!("../../sql/erase_digests.sql")),
    // A schedule for them alone is gone, and its job finds nothing; the others go on without them.
    ("schedules", include_str!("../../sql/erase_schedules.sql")),
    (
        "schedules",
        include_str!("../../sql/erase_schedule_targets.sql"),
    ),
    (
        "schedule_recipients",
        include_str!("../../sql/erase_schedule_recipients.sql"),
    ),
    ("audit", include_str!("../../sql/erase_audit.sql")),
];

/// One piece of an erasure, while which no copy of the person is kept in memory.
pub(super) struct Erasing {
    erasure: Erasure,
    _changing: [Changing; 3],
}

/// A delivery that is erased.
struct Gone {
    run: i64,
    no: i64,
    id: DeliveryId,
    notification: i64,
    tenant: i64,
}

impl Erasing {
    pub(super) fn new(engine: &Engine, erasure: &Erasure) -> Self {
        let (tenant, caches) = (&erasure.tenant, &engine.caches);
        let changing = [
            caches.recipients.change(tenant, [&erasure.recipient]),
            caches.people.change(tenant, [&erasure.recipient]),
            caches.tenants.change(tenant, [&()]),
        ];
        Self {
            erasure: erasure.clone(),
            _changing: changing,
        }
    }

    /// Erases a piece; answers also with the jobs that nobody has any more.
    pub(super) async fn run(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
    ) -> Result<(Erased, Vec<Job>)> {
        let Erasure {
            tenant,
            recipient,
            pseudonym,
            actor,
            now,
        } = &self.erasure;
        let gone = self.deliveries(db, engine).await?;
        for (_, statement) in ROOMS {
            let args = Args::new()
                .with(pseudonym.as_str())
                .with(tenant.as_str())
                .with(recipient.as_str());
            db.execute(statement, args).await?;
        }
        let row = db
            .first(include_str!("../../sql/erase_sending.sql"), self.whose())
            .await?;
        let sending = row.map_or(Ok(0), |row| unsigned(column(&row, 0)?, "queue entry"))?;
        let more = i64::try_from(gone.len()).is_ok_and(|gone| gone == PIECE);
        let erased = Erased::new(gone.len() as u64, sending, more);
        if erased.is_complete() {
            let subjects = [pseudonym.as_str().to_owned()];
            audit::record(db, tenant, actor, "person.erase", &subjects, *now).await?;
        }
        Ok((
            erased,
            gone.iter().map(|gone| Job::deliver(gone.id)).collect(),
        ))
    }

    fn whose(&self) -> Args {
        let Erasure {
            tenant, recipient, ..
        } = &self.erasure;
        Args::new()
            .with(history::bucket(tenant, recipient))
            .with(tenant.as_str())
            .with(recipient.as_str())
    }

    /// Takes the person out of a piece of their deliveries.
    async fn deliveries(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Vec<Gone>> {
        let args = self.whose().with(PIECE);
        let rows = db
            .all(include_str!("../../sql/erase_find.sql"), args)
            .await?;
        let mut gone = Vec::with_capacity(rows.len());
        for row in &rows {
            gone.push(Gone {
                run: column(row, 0)?,
                no: column(row, 1)?,
                id: DeliveryId::from_bytes(bytes(row, 2, "delivery id")?),
                notification: column(row, 3)?,
                tenant: column(row, 4)?,
            });
        }
        if gone.is_empty() {
            return Ok(gone);
        }
        self.end(db, engine, &gone).await?;
        let no = |gone: &Gone, args: &mut Args| args.push(gone.no);
        let text = include_str!("../../sql/erase_reports.sql");
        db.execute_rows(text, Args::new, &gone, |gone, args| {
            args.push(gone.no);
            args.push(gone.id.to_string());
        })
        .await?;
        let text = include_str!("../../sql/sweep_messages.sql");
        db.execute_rows(text, Args::new, &gone, no).await?;
        let text = include_str!("../../sql/erase_delivery_events.sql");
        db.execute_rows(text, Args::new, &gone, no).await?;
        self.rename(db, &gone).await?;
        empty(db, &gone).await?;
        Ok(gone)
    }

    /// Cancels what waits, and what somebody could queue again.
    async fn end(&self, db: &mut Session<'_>, engine: &Engine, gone: &[Gone]) -> Result<()> {
        let jobs: Vec<Job> = gone.iter().map(|gone| Job::deliver(gone.id)).collect();
        let found = status::find(db, &jobs).await?;
        let open =
            |status: &status::Status| status.state.is_open() || status.state.is_dead_letter();
        let open: Vec<_> = found.into_iter().flatten().filter(open).collect();
        let end = End {
            state: DeliveryState::Cancelled,
            kind: EventKind::Cancelled,
            reason: Reason::Erased,
        };
        end_all(db, engine, &open, &end, self.erasure.now).await
    }

    /// Lets the deliveries belong to the pseudonym.
    async fn rename(&self, db: &mut Session<'_>, gone: &[Gone]) -> Result<()> {
        let Erasure {
            tenant,
            recipient,
            pseudonym,
            ..
        } = &self.erasure;
        let (before, after) = (
            history::bucket(tenant, recipient),
            history::bucket(tenant, pseudonym),
        );
        let head = || Args::new().with(pseudonym.as_str()).with(after);
        let text = include_str!("../../sql/erase_deliveries.sql");
        db.execute_rows(text, head, gone, |gone, args| args.push(gone.no))
            .await?;
        let entry = |bucket: i64, whose: &str, gone: &Gone, args: &mut Args| {
            args.push(gone.run);
            args.push(bucket);
            args.push(gone.tenant);
            args.push(whose);
            args.push(gone.no);
        };
        let text = include_str!("../../sql/erase_history.sql");
        db.execute_rows(text, Args::new, gone, |gone, args| {
            entry(after, pseudonym.as_str(), gone, args);
        })
        .await?;
        let text = include_str!("../../sql/sweep_history.sql");
        db.execute_rows(text, Args::new, gone, |gone, args| {
            entry(before, recipient.as_str(), gone, args);
        })
        .await?;
        Ok(())
    }
}

/// Takes what was said out of the notifications that are left to nobody.
async fn empty(db: &mut Session<'_>, gone: &[Gone]) -> Result<()> {
    let mut numbers: Vec<i64> = gone.iter().map(|gone| gone.notification).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let text = include_str!("../../sql/erase_notification_find.sql");
    let found = db
        .all_rows(text, Args::new, &numbers, |no, args| args.push(*no))
        .await?;
    let mut rows = Vec::with_capacity(found.len());
    for row in &found {
        let request: NotificationRequest = json(column(row, 1)?, "request")?;
        rows.push((column::<i64>(row, 0)?, to_json(&request.erased())?));
    }
    let text = include_str!("../../sql/erase_notifications.sql");
    db.execute_rows(text, Args::new, &rows, |(no, request), args| {
        args.push(*no);
        args.push(request.as_str());
    })
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    /// What [`Erasing::deliveries`] does itself.
    const BY_DELIVERY: &[&str] = &["deliveries", "history"];

    #[tokio::test]
    async fn every_table_that_names_a_person_is_erased() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("a.db")).await;
        let store = store.expect("opens");
        let mut reader = store.reader().await.expect("a reader");
        let mut db = reader.session().expect("a session");
        let text = "SELECT DISTINCT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
            WHERE t.type = 'table' AND (c.name LIKE '%recipient%' OR c.name LIKE '%person%' OR c.name LIKE '%follower%')";
        let rows = db.all(text, Args::new()).await.expect("reads");
        assert!(rows.len() >= 5, "saw only {}", rows.len());
        for row in rows {
            let (table, named): (String, String) = (
                column(&row, 0).expect("name"),
                column(&row, 1).expect("name"),
            );
            let table = table.trim_start_matches("notify_");
            let is_known = ROOMS.iter().any(|(room, _)| *room == table)
                || BY_DELIVERY.contains(&table)
                || table == "recipients";
            assert!(
                is_known,
                "table {table} holds people in its column {named}, and no statement of ROOMS erases them"
            );
        }
    }
}
