//! What concerns one person: what is held for them, how much they got, and what was accepted under a key.

use notify_core::queue::{CapQuery, CapUse, Job, KeyHash};
use notify_core::{
    DeliveryId, DeliveryState, NotificationId, Reason, RecipientId, Result, TenantId, Timestamp,
};

use crate::SqliteStore;
use crate::error;
use crate::history;
use crate::queue::ledger::Ledger;
use crate::queue::status::Hold;
use crate::row::{Args, bytes, column, state};
use crate::session::Session;

/// Whose held deliveries are to be decided again.
#[derive(Clone, Debug)]
pub(super) struct Hastening {
    pub(super) tenant: TenantId,
    pub(super) recipient: RecipientId,
    pub(super) reasons: Vec<Reason>,
    pub(super) now: Timestamp,
}

impl Hastening {
    /// Makes them due, and takes back what is lent. Answers how many were made due, and with the jobs that nobody has any more.
    pub(super) async fn run(&self, db: &mut Session<'_>) -> Result<(u64, Vec<Job>)> {
        let args = Args::new()
            .with(history::bucket(&self.tenant, &self.recipient))
            .with(self.tenant.as_str())
            .with(self.recipient.as_str());
        let text = include_str!("../../sql/queue_of_person.sql");
        let (mut hastened, mut freed, mut rows) = (0, Vec::new(), Vec::new());
        for row in db.all(text, args).await? {
            let hold = Hold::of(column(&row, 4)?).ok_or_else(|| error::corrupt("queue entry"))?;
            if !matches!(hold, Hold::Ready | Hold::Leased) {
                continue;
            }
            let reason = column::<Option<&str>>(&row, 3)?;
            let is_named = self.reasons.iter().any(|one| reason == Some(one.as_str()));
            let due = Timestamp::from_micros(column(&row, 5)?);
            let is_held = state(column(&row, 2)?)? == DeliveryState::Held;
            let is_early = is_held && is_named && due > self.now;
            let is_lent = hold == Hold::Leased;
            if is_early || is_lent {
                let due = if is_early { self.now } else { due };
                rows.push((column::<i64>(&row, 0)?, due, i64::from(is_lent)));
            }
            hastened += u64::from(is_early);
            if is_lent {
                let id = DeliveryId::from_bytes(bytes(&row, 1, "delivery id")?);
                freed.push(Job::deliver(id));
            }
        }
        let text = include_str!("../../sql/queue_hasten.sql");
        db.execute_rows(text, Args::new, &rows, |(no, due, raise), args| {
            args.push(*no);
            args.push(due.as_micros());
            args.push(*raise);
        })
        .await?;
        Ok((hastened, freed))
    }
}

impl SqliteStore {
    pub(super) async fn cap_usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let tenant = self.engine().names.find_tenant(&mut db, tenant).await?;
        let mut ledger = Ledger::default();
        if let Some(tenant) = tenant {
            let asked: Vec<_> = caps
                .iter()
                .map(|cap| ((tenant, cap.key), now - cap.window))
                .collect();
            ledger.load(&mut db, &asked, &[]).await?;
        }
        let used = |cap| ledger.usage(tenant.unwrap_or_default(), cap, now);
        Ok(caps.iter().map(used).collect())
    }

    pub(super) async fn notification_of_key(
        &self,
        tenant: &TenantId,
        key: &KeyHash,
    ) -> Result<Option<NotificationId>> {
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let Some(tenant) = self.engine().names.find_tenant(&mut db, tenant).await? else {
            return Ok(None);
        };
        let text = include_str!("../../sql/key_find.sql");
        let row = |key: &KeyHash, args: &mut Args| {
            args.push(0_i64);
            args.push(tenant);
            args.push(&key.as_bytes()[..]);
        };
        let found = db
            .all_rows(text, Args::new, std::slice::from_ref(key), row)
            .await?;
        let id = found.first().map(|row| bytes(row, 1, "notification id"));
        Ok(id.transpose()?.map(NotificationId::from_bytes))
    }
}
