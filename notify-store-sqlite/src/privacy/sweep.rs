//! Records that are kept for a time: consents, audit rows, suppressed addresses.

use notify_core::preference::AddressHash;
use notify_core::queue::Retention;
use notify_core::{ChannelId, Result, TenantId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::SqliteStore;
use crate::engine::Engine;
use crate::row::{Args, bytes, column};
use crate::session::Session;
use crate::suppression::{self, Place};

/// How many rows of each table one call looks at.
const PIECE: i64 = 1_000;

/// Forgets a piece of the consent log: it is looked through in the order in which it was written, from where the last call stopped.
async fn consents(db: &mut Session<'_>, engine: &Engine, limit: Timestamp) -> Result<u64> {
    let cursor = &engine.cursors.consents;
    let args = Args::new().with(cursor.load(Ordering::Acquire)).with(PIECE);
    let rows = db
        .all(include_str!("../../sql/sweep_consents.sql"), args)
        .await?;
    let (mut old, mut last, mut is_old_seen) = (Vec::new(), 0, false);
    for row in &rows {
        last = column(row, 0)?;
        let is_old = Timestamp::from_micros(column(row, 1)?) <= limit;
        is_old_seen |= is_old;
        let stands: bool = column(row, 2)?;
        if is_old && !stands {
            old.push(last);
        }
    }
    let more = is_old_seen && rows.len() as i64 == PIECE;
    cursor.store(if more { last } else { 0 }, Ordering::Release);
    let text = include_str!("../../sql/sweep_consent_remove.sql");
    db.execute_rows(text, Args::new, &old, |no: &i64, args| args.push(*no))
        .await
}

impl SqliteStore {
    pub(super) async fn sweep_old(&self, now: Timestamp, retention: &Retention) -> Result<u64> {
        let (engine, retention) = (Arc::clone(self.engine()), *retention);
        let swept = self.writer().write(move |db| {
            let engine = Arc::clone(&engine);
            Box::pin(async move {
                let gone = consents(db, &engine, now - retention.consents).await?;
                let args = Args::new()
                    .with(PIECE)
                    .with((now - retention.audit).as_micros());
                let audit = include_str!("../../sql/sweep_audit.sql");
                Ok(gone + db.execute(audit, args).await?)
            })
        });
        let gone = swept.await?;
        match retention.suppressions {
            Some(keep) => Ok(gone + self.sweep_suppressions(now - keep).await?),
            None => Ok(gone),
        }
    }

    /// Looked up before, since copies in memory have to go first.
    async fn sweep_suppressions(&self, limit: Timestamp) -> Result<u64> {
        let args = Args::new().with(limit.as_micros()).with(PIECE);
        let mut reader = self.reader().await?;
        let text = include_str!("../../sql/suppression_old.sql");
        let rows = reader.session()?.all(text, args).await?;
        drop(reader);
        let mut places: BTreeMap<TenantId, Vec<Place>> = BTreeMap::new();
        for row in &rows {
            let (tenant, channel): (String, String) = (column(row, 0)?, column(row, 1)?);
            let address = AddressHash::from_bytes(bytes(row, 2, "suppression")?);
            let of_tenant = places.entry(tenant.into()).or_default();
            of_tenant.push((ChannelId::from(channel), address));
        }
        let caches = &self.engine().caches;
        let changing: Vec<_> = places
            .iter()
            .map(|(tenant, places)| suppression::change(caches, tenant, places))
            .collect();
        let all: Vec<(TenantId, Place)> = places
            .into_iter()
            .flat_map(|(tenant, places)| {
                places.into_iter().map(move |place| (tenant.clone(), place))
            })
            .collect();
        let work = Arc::new((all, changing));
        let forgotten = self.writer().write(move |db| {
            let work = Arc::clone(&work);
            Box::pin(async move {
                let head = || Args::new().with(limit.as_micros());
                let text = include_str!("../../sql/suppression_forget.sql");
                db.execute_rows(text, head, &work.0, |(tenant, (channel, address)), args| {
                    args.push(tenant.as_str());
                    args.push(channel.as_str());
                    args.push(&address.as_bytes()[..]);
                })
                .await
            })
        });
        forgotten.await
    }
}
