//! One person's data in all tables: read as a whole, erased, and records forgotten in time.

mod erase;
mod sweep;

use async_trait::async_trait;
use notify_core::preference::{AddressHash, ConsentEntry, Suppression};
use notify_core::privacy::{Erased, Erasure, PrivacyStore};
use notify_core::queue::{Job, Retention};
use notify_core::{ChannelId, RecipientId, Result, TenantId, Timestamp};
use std::sync::Arc;
use tokio::sync::oneshot;

use crate::privacy::erase::Erasing;
use crate::row::{Args, bytes, column};
use crate::writer::{Op, received};
use crate::{SqliteStore, error, suppression};

#[async_trait]
impl PrivacyStore for SqliteStore {
    async fn consents(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
    ) -> Result<Vec<ConsentEntry>> {
        let args = Args::new().with(tenant.as_str()).with(recipient.as_str());
        let mut reader = self.reader().await?;
        let rows = reader
            .session()?
            .all(include_str!("../sql/consent_log.sql"), args)
            .await?;
        let entry = |row| {
            let at = Timestamp::from_micros(column(row, 5)?);
            let (category, actor): (String, String) = (column(row, 0)?, column(row, 4)?);
            let granted = column(row, 1)?;
            let entry = ConsentEntry::new(recipient.clone(), category.into(), granted, actor, at);
            Ok(entry.said(column::<String>(row, 2)?, column::<String>(row, 3)?))
        };
        rows.iter().map(entry).collect()
    }

    async fn suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        // No channel is called by the empty text.
        let (channel, address) = after.map_or(("", &[][..]), |(channel, address)| {
            (channel.as_str(), &address.as_bytes()[..])
        });
        let args = Args::new()
            .with(tenant.as_str())
            .with(channel)
            .with(address)
            .with(i64::from(limit));
        let mut reader = self.reader().await?;
        let rows = reader
            .session()?
            .all(include_str!("../sql/suppression_page.sql"), args)
            .await?;
        let entry = |row| {
            let source: &str = column(row, 3)?;
            Ok(Suppression::new(
                ChannelId::from(column::<String>(row, 0)?),
                AddressHash::from_bytes(bytes(row, 1, "suppression")?),
                suppression::scope(column(row, 2)?)?,
                source.parse().map_err(|_| error::corrupt("suppression"))?,
                Timestamp::from_micros(column(row, 4)?),
            ))
        };
        rows.iter().map(entry).collect()
    }

    async fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        let engine = Arc::clone(self.engine());
        let erasing = Arc::new(Erasing::new(&engine, erasure));
        let erased = self.writer().write_then(
            move |db| {
                let (erasing, engine) = (Arc::clone(&erasing), Arc::clone(&engine));
                Box::pin(async move { erasing.run(db, &engine).await })
            },
            |engine, (_, freed): &(Erased, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
            },
        );
        Ok(erased.await?.0)
    }

    async fn scrub(&self) -> Result<()> {
        let (answer, scrubbed) = oneshot::channel();
        self.writer().send(Op::Scrub(answer)).await?;
        received(scrubbed).await
    }

    async fn sweep_records(&self, now: Timestamp, retention: &Retention) -> Result<u64> {
        self.sweep_old(now, retention).await
    }
}
