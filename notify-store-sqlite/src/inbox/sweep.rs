//! Removes what is too old, and takes the text of what nobody read in time.

use notify_core::channel::InAppMessage;
use notify_core::inbox::{InboxLimits, InboxStatus};
use notify_core::{Result, Timestamp};
use sqlx::sqlite::SqliteRow;
use std::collections::BTreeMap;

use crate::inbox::{Less, status};
use crate::row::{Args, column, to_json};
use crate::session::Session;

/// How many items one sweep removes or clears.
const PIECE: usize = 1_000;

/// One sweep.
#[derive(Clone, Copy)]
pub(super) struct Sweep {
    now: Timestamp,
    /// What came before this and belongs to someone who chose no retention is removed.
    old: Timestamp,
}

/// What each inbox has less of, by tenant and recipient.
#[derive(Default)]
struct Swept<'r> {
    inboxes: BTreeMap<(&'r str, &'r str), Less>,
}

impl<'r> Swept<'r> {
    /// Counts a row that begins with tenant, recipient and status.
    fn count(&mut self, row: &'r SqliteRow, items: i64, to: InboxStatus) -> Result<()> {
        let less = self
            .inboxes
            .entry((column(row, 0)?, column(row, 1)?))
            .or_default();
        less.items += items;
        less.moved(status(row, 2)?, to);
        Ok(())
    }
}

impl Sweep {
    pub(super) fn new(now: Timestamp, limits: &InboxLimits) -> Self {
        Self {
            now,
            old: now - limits.retention,
        }
    }

    pub(super) async fn run(self, db: &mut Session<'_>) -> Result<u64> {
        let over = include_str!("../../sql/inbox_sweep_over.sql");
        let mut removed = db.all(over, self.until(self.now, PIECE)).await?;
        let old = include_str!("../../sql/inbox_sweep_old.sql");
        removed.extend(
            db.all(old, self.until(self.old, PIECE - removed.len()))
                .await?,
        );
        let stale = include_str!("../../sql/inbox_stale.sql");
        let stale = db
            .all(stale, self.until(self.now, PIECE - removed.len()))
            .await?;
        clear(db, &stale).await?;
        let mut swept = Swept::default();
        // A status that counts for nothing: the item is gone.
        removed
            .iter()
            .try_for_each(|row| swept.count(row, 1, InboxStatus::AutoCleared))?;
        stale
            .iter()
            .try_for_each(|row| swept.count(row, 0, InboxStatus::AutoCleared))?;
        let inboxes: Vec<_> = swept.inboxes.into_iter().collect();
        let subtract = include_str!("../../sql/inbox_state_subtract.sql");
        db.execute_rows(
            subtract,
            Args::new,
            &inboxes,
            |((tenant, recipient), less), args| {
                args.push(*tenant);
                args.push(*recipient);
                args.push(less.items);
                args.push(less.unread);
                args.push(less.unseen);
            },
        )
        .await?;
        Ok((removed.len() + stale.len()) as u64)
    }

    fn until(self, at: Timestamp, limit: usize) -> Args {
        Args::new()
            .with(at.as_micros())
            .with(i64::try_from(limit).unwrap_or(i64::MAX))
    }
}

async fn clear(db: &mut Session<'_>, stale: &[SqliteRow]) -> Result<()> {
    let mut places = Vec::with_capacity(stale.len());
    for row in stale {
        let place: (&str, &str, i64) = (column(row, 0)?, column(row, 1)?, column(row, 3)?);
        places.push(place);
    }
    let nothing = to_json(&InAppMessage::new("", ""))?;
    let clear = include_str!("../../sql/inbox_clear.sql");
    let head = || Args::new().with(nothing.as_str());
    db.execute_rows(
        clear,
        head,
        &places,
        |(tenant, recipient, sequence), args| {
            args.push(*tenant);
            args.push(*recipient);
            args.push(*sequence);
        },
    )
    .await?;
    Ok(())
}
