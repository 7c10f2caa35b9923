//! Inboxes: items by place, and for each inbox a row with what a count would give, kept in the same commit.

mod mark;
mod push;
mod sweep;

use async_trait::async_trait;
use notify_core::id::{CategoryId, DeliveryId, NotificationId, RecipientId};
use notify_core::inbox::{
    InboxCounts, InboxItem, InboxLimits, InboxStatus, InboxStore, Mark, NewInboxItem,
};
use notify_core::{Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::sync::Arc;

use crate::SqliteStore;
use crate::error;
use crate::inbox::mark::{Marking, Which};
use crate::inbox::push::Push;
use crate::inbox::sweep::Sweep;
use crate::row::{Args, before_or_all, bytes, column, json, unsigned};
use crate::session::Session;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What an inbox has less of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Less {
    items: i64,
    unread: i64,
    unseen: i64,
}

impl Less {
    /// What is not counted any more when an item leaves this status.
    fn count(&mut self, status: InboxStatus) {
        self.unread += i64::from(status.is_unread());
        self.unseen += i64::from(status.is_unseen());
    }

    /// What is not counted any more when an item moves from one status to another.
    fn moved(&mut self, from: InboxStatus, to: InboxStatus) {
        self.count(from);
        self.unread -= i64::from(to.is_unread());
        self.unseen -= i64::from(to.is_unseen());
    }
}

fn status(row: &SqliteRow, place: usize) -> Result<InboxStatus> {
    let code: u8 = unsigned(column(row, place)?, "inbox item")?;
    InboxStatus::from_code(code).ok_or_else(|| error::corrupt("inbox item"))
}

fn item(row: &SqliteRow) -> Result<InboxItem> {
    let (recipient, message): (RecipientId, &str) = (RecipientId::new(""), column(row, 4)?);
    let mut new = NewInboxItem::new(
        recipient,
        DeliveryId::from_bytes(bytes(row, 1, "inbox item")?),
        NotificationId::from_bytes(bytes(row, 2, "inbox item")?),
        CategoryId::from(column::<String>(row, 3)?),
        json(message, "inbox item")?,
        Timestamp::from_micros(column(row, 5)?),
    );
    new.stale_at = column::<Option<i64>>(row, 6)?.map(Timestamp::from_micros);
    Ok(InboxItem::new(
        unsigned(column(row, 0)?, "inbox item")?,
        new,
        status(row, 7)?,
    ))
}

/// The counts of one inbox; of one that was never used, none.
async fn counts(
    db: &mut Session<'_>,
    tenant: &TenantId,
    recipient: &RecipientId,
) -> Result<InboxCounts> {
    let args = Args::new().with(tenant.as_str()).with(recipient.as_str());
    let row = db
        .first(include_str!("../sql/inbox_counts.sql"), args)
        .await?;
    let Some(row) = row else {
        return Ok(InboxCounts::default());
    };
    let (unread, unseen) = (column(&row, 0)?, column(&row, 1)?);
    Ok(InboxCounts::new(
        unsigned(unread, "inbox")?,
        unsigned(unseen, "inbox")?,
    ))
}

impl SqliteStore {
    async fn mark_items(&self, marking: Marking) -> Result<InboxCounts> {
        let marking = Arc::new(marking);
        let write = self.writer().write(move |db| {
            let marking = Arc::clone(&marking);
            Box::pin(async move { marking.run(db).await })
        });
        write.await
    }
}

#[async_trait]
impl InboxStore for SqliteStore {
    async fn push(
        &self,
        tenant: &TenantId,
        items: &[NewInboxItem],
        limits: &InboxLimits,
    ) -> Result<Vec<u64>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let push = Arc::new(Push::new(tenant, items, limits)?);
        let write = self.writer().write(move |db| {
            let push = Arc::clone(&push);
            Box::pin(async move { push.run(db).await })
        });
        write.await
    }

    async fn page(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<u64>,
        limit: u32,
        archived: bool,
    ) -> Result<Vec<InboxItem>> {
        let args = Args::new()
            .with(tenant.as_str())
            .with(recipient.as_str())
            .with(before_or_all(before))
            .with(archived)
            .with(i64::from(limit));
        let mut reader = self.reader().await?;
        let rows = reader
            .session()?
            .all(include_str!("../sql/inbox_page.sql"), args)
            .await?;
        rows.iter().map(item).collect()
    }

    async fn counts(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<InboxCounts> {
        counts(&mut self.reader().await?.session()?, tenant, recipient).await
    }

    async fn mark(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        sequences: &[u64],
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts> {
        let which = Which::these(sequences);
        self.mark_items(Marking::new(tenant, recipient, which, mark, now))
            .await
    }

    async fn mark_all(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        up_to: u64,
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts> {
        let which = Which::UpTo(i64::try_from(up_to).unwrap_or(i64::MAX));
        self.mark_items(Marking::new(tenant, recipient, which, mark, now))
            .await
    }

    async fn retain(&self, tenant: &TenantId, recipient: &RecipientId, days: u8) -> Result<()> {
        InboxLimits::check_days(days)?;
        let days = i64::from(days);
        let whose = Arc::new((tenant.clone(), recipient.clone()));
        let write = self.writer().write(move |db| {
            let whose = Arc::clone(&whose);
            Box::pin(async move {
                let (tenant, recipient) = (whose.0.as_str(), whose.1.as_str());
                let args = Args::new().with(tenant).with(recipient).with(days);
                db.execute(include_str!("../sql/inbox_retain.sql"), args)
                    .await?;
                let args = Args::new()
                    .with(days * MICROS_PER_DAY)
                    .with(tenant)
                    .with(recipient);
                db.execute(include_str!("../sql/inbox_retain_items.sql"), args)
                    .await?;
                Ok(())
            })
        });
        write.await
    }

    async fn sweep_inbox(&self, now: Timestamp, limits: &InboxLimits) -> Result<u64> {
        let sweep = Sweep::new(now, limits);
        self.writer()
            .write(move |db| Box::pin(async move { sweep.run(db).await }))
            .await
    }
}
