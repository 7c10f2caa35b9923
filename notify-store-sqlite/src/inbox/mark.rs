//! Moves items on, and tells their deliveries.

use notify_core::delivery::EventKind;
use notify_core::inbox::{InboxCounts, InboxStatus, Mark};
use notify_core::{DeliveryId, RecipientId, Result, TenantId, Timestamp};
use sqlx::sqlite::SqliteRow;

use crate::delivery;
use crate::inbox::{Less, counts, status};
use crate::row::{Args, bytes, column, to_json};
use crate::session::Session;

/// Which items are marked.
pub(super) enum Which {
    /// Those with these sequences.
    These(Vec<i64>),
    /// All up to and including this one.
    UpTo(i64),
}

impl Which {
    /// Those with these sequences; what is too large for one is not there.
    pub(super) fn these(sequences: &[u64]) -> Self {
        Self::These(
            sequences
                .iter()
                .filter_map(|sequence| i64::try_from(*sequence).ok())
                .collect(),
        )
    }
}

/// What a person does with some of their items.
pub(super) struct Marking {
    tenant: TenantId,
    recipient: RecipientId,
    which: Which,
    mark: Mark,
    now: Timestamp,
}

impl Marking {
    pub(super) fn new(
        tenant: &TenantId,
        recipient: &RecipientId,
        which: Which,
        mark: Mark,
        now: Timestamp,
    ) -> Self {
        let (tenant, recipient) = (tenant.clone(), recipient.clone());
        Self {
            tenant,
            recipient,
            which,
            mark,
            now,
        }
    }

    pub(super) async fn run(&self, db: &mut Session<'_>) -> Result<InboxCounts> {
        let to = InboxStatus::Unread.marked(self.mark);
        let found = self.find(db, to).await?;
        if !found.is_empty() {
            let (mut less, mut sequences) = (Less::default(), Vec::with_capacity(found.len()));
            let mut deliveries = Vec::with_capacity(found.len());
            for row in &found {
                less.moved(status(row, 2)?, to);
                sequences.push(column::<i64>(row, 0)?);
                deliveries.push(DeliveryId::from_bytes(bytes(row, 1, "inbox item")?));
            }
            self.write(db, to, &sequences, less).await?;
            self.tell(db, &deliveries).await?;
        }
        counts(db, &self.tenant, &self.recipient).await
    }

    fn whose(&self) -> Args {
        Args::new()
            .with(self.tenant.as_str())
            .with(self.recipient.as_str())
    }

    /// The items that the mark moves: those before the status it leads to.
    async fn find(&self, db: &mut Session<'_>, to: InboxStatus) -> Result<Vec<SqliteRow>> {
        let args = self.whose().with(i64::from(to.code()));
        match &self.which {
            Which::These(sequences) => {
                let find = include_str!("../../sql/inbox_mark_find.sql");
                db.all(find, args.with(to_json(sequences)?)).await
            }
            Which::UpTo(last) => {
                db.all(
                    include_str!("../../sql/inbox_mark_find_all.sql"),
                    args.with(*last),
                )
                .await
            }
        }
    }

    async fn write(
        &self,
        db: &mut Session<'_>,
        to: InboxStatus,
        sequences: &[i64],
        less: Less,
    ) -> Result<()> {
        let args = Args::new()
            .with(i64::from(to.code()))
            .with(self.tenant.as_str())
            .with(self.recipient.as_str())
            .with(to_json(&sequences)?);
        db.execute(include_str!("../../sql/inbox_mark.sql"), args)
            .await?;
        let args = Args::new()
            .with(less.unread)
            .with(less.unseen)
            .with(self.tenant.as_str())
            .with(self.recipient.as_str());
        db.execute(include_str!("../../sql/inbox_state_count.sql"), args)
            .await?;
        Ok(())
    }

    /// What is seen or read for the first time is so for the delivery too. Who reads it has seen it.
    async fn tell(&self, db: &mut Session<'_>, deliveries: &[DeliveryId]) -> Result<()> {
        let kinds: &[EventKind] = match self.mark {
            Mark::Seen => &[EventKind::Seen],
            Mark::Read => &[EventKind::Seen, EventKind::Read],
            Mark::Archived => &[],
        };
        for kind in kinds {
            delivery::engaged(db, &self.tenant, deliveries, *kind, self.now).await?;
        }
        Ok(())
    }
}
