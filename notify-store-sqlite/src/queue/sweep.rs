//! Forgets what was kept long enough, a piece at a time.
//!
//! Deliveries and notifications are looked through in the order of their numbers, from where the last call stopped. A piece in which
//! all was accepted lately ends a pass: later numbers were accepted later, and what is an exception to that is found by a later pass.

use notify_core::queue::{Retention, Swept};
use notify_core::{DeliveryState, RecipientId, Result, TenantId, Timestamp};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::engine::Engine;
use crate::history;
use crate::numbers;
use crate::row::{Args, column, state};
use crate::session::Session;

/// How much of each one call looks at.
const PIECE: i64 = 1_000;
/// How many buckets of histories one call merges, each of about 1,000 entries.
const MERGES: usize = 4;

/// Where the passes have come to.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    deliveries: AtomicI64,
    notifications: AtomicI64,
    pub(crate) consents: AtomicI64,
}

/// An ended delivery that is old enough.
struct Old {
    no: i64,
    notification: i64,
    tenant_no: i64,
    tenant: TenantId,
    recipient: RecipientId,
}

pub(super) async fn sweep(
    db: &mut Session<'_>,
    engine: &Engine,
    now: Timestamp,
    retention: &Retention,
) -> Result<Swept> {
    let (deliveries, dead_letters, more_deliveries) =
        sweep_deliveries(db, engine, now, retention).await?;
    let (keys, more_keys) = sweep_keys(db, engine, now - retention.keys).await?;
    let more_logs = sweep_logs(db, now).await?;
    let more_runs = merge_histories(db).await?;
    let more = more_deliveries || more_keys || more_logs || more_runs;
    Ok(Swept::new(keys, deliveries, more).with_dead_letters(dead_letters))
}

/// Merges what the accepts of transactions that are not the writer's have left to do; answers whether there may be more.
async fn merge_histories(db: &mut Session<'_>) -> Result<bool> {
    let last = numbers::stored(db).await?;
    for _ in 0..MERGES {
        if !history::merge(db, last).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes deliveries that ended long enough ago; answers how many, how many of them were dead letters, and whether there is more.
async fn sweep_deliveries(
    db: &mut Session<'_>,
    engine: &Engine,
    now: Timestamp,
    retention: &Retention,
) -> Result<(u64, u64, bool)> {
    let cursor = &engine.cursors.deliveries;
    let args = Args::new().with(cursor.load(Ordering::Acquire)).with(PIECE);
    let rows = db
        .all(include_str!("../../sql/sweep_deliveries.sql"), args)
        .await?;
    let (mut old, mut dead, mut is_old_seen, mut last) = (Vec::new(), 0, false, 0);
    for row in &rows {
        last = column(row, 0)?;
        let updated_at = Timestamp::from_micros(column(row, 6)?);
        // What was accepted long ago may have ended just now, and what ended before may come after it.
        is_old_seen |= Timestamp::from_micros(column(row, 7)?) <= now - retention.deliveries;
        let state: DeliveryState = state(column(row, 5)?)?;
        if !state.is_open() && updated_at <= now - retention.of(state) {
            dead += u64::from(state.is_dead_letter());
            old.push(Old {
                no: last,
                notification: column(row, 1)?,
                tenant_no: column(row, 2)?,
                tenant: TenantId::from(column::<String>(row, 3)?),
                recipient: RecipientId::from(column::<String>(row, 4)?),
            });
        }
    }
    let more = is_old_seen && rows.len() as i64 == PIECE;
    cursor.store(if more { last } else { 0 }, Ordering::Release);
    forget(db, &old).await?;
    Ok((old.len() as u64, dead, more))
}

/// Removes deliveries with their events, and with the last one its notification.
async fn forget(db: &mut Session<'_>, old: &[Old]) -> Result<()> {
    if old.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = old.iter().map(|old| old.no).collect();
    let no = |no: &i64, args: &mut Args| args.push(*no);
    let text = include_str!("../../sql/sweep_events.sql");
    db.execute_rows(text, Args::new, &numbers, no).await?;
    let text = include_str!("../../sql/sweep_messages.sql");
    db.execute_rows(text, Args::new, &numbers, no).await?;
    let text = include_str!("../../sql/sweep_digest_members.sql");
    db.execute_rows(text, Args::new, &numbers, no).await?;
    let text = include_str!("../../sql/sweep_delivery_remove.sql");
    db.execute_rows(text, Args::new, &numbers, no).await?;
    let entries: Vec<(i64, &Old)> = old
        .iter()
        .flat_map(|old| history::runs(old.no).map(|run| (run, old)))
        .collect();
    let text = include_str!("../../sql/sweep_history.sql");
    db.execute_rows(text, Args::new, &entries, |(run, old), args| {
        args.push(*run);
        args.push(history::bucket(&old.tenant, &old.recipient));
        args.push(old.tenant_no);
        args.push(old.recipient.as_str());
        args.push(old.no);
    })
    .await?;
    let notifications: BTreeSet<i64> = old.iter().map(|old| old.notification).collect();
    remove_empty(db, &notifications.into_iter().collect::<Vec<_>>()).await
}

/// Removes notifications without deliveries and without a key.
async fn remove_empty(db: &mut Session<'_>, notifications: &[i64]) -> Result<()> {
    let text = include_str!("../../sql/sweep_notifications.sql");
    db.execute_rows(text, Args::new, notifications, |no, args| args.push(*no))
        .await?;
    Ok(())
}

/// Forgets the keys of notifications that were accepted at `limit` or before.
async fn sweep_keys(
    db: &mut Session<'_>,
    engine: &Engine,
    limit: Timestamp,
) -> Result<(u64, bool)> {
    let cursor = &engine.cursors.notifications;
    let args = Args::new().with(cursor.load(Ordering::Acquire)).with(PIECE);
    let rows = db
        .all(include_str!("../../sql/sweep_keys.sql"), args)
        .await?;
    let (mut keyed, mut is_old_seen, mut last) = (Vec::new(), false, 0);
    for row in &rows {
        last = column(row, 0)?;
        let is_old = Timestamp::from_micros(column(row, 1)?) <= limit;
        is_old_seen |= is_old;
        if is_old && column(row, 2)? {
            keyed.push(last);
        }
    }
    let more = is_old_seen && rows.len() as i64 == PIECE;
    cursor.store(if more { last } else { 0 }, Ordering::Release);
    let no = |no: &i64, args: &mut Args| args.push(*no);
    let text = include_str!("../../sql/key_open.sql");
    let open = db.all_rows(text, Args::new, &keyed, no).await?;
    let open: Vec<i64> = open
        .iter()
        .map(|row| column(row, 0))
        .collect::<Result<_>>()?;
    // A later pass comes by again.
    keyed.retain(|no| !open.contains(no));
    let text = include_str!("../../sql/sweep_key_forget.sql");
    db.execute_rows(text, Args::new, &keyed, no).await?;
    remove_empty(db, &keyed).await?;
    Ok((keyed.len() as u64, more))
}

/// Forgets what counts for no cap and no content any more; answers whether there is more.
async fn sweep_logs(db: &mut Session<'_>, now: Timestamp) -> Result<bool> {
    let args = || Args::new().with(now.as_micros()).with(PIECE);
    let caps = db
        .execute(include_str!("../../sql/sweep_caps.sql"), args())
        .await?;
    let contents = db
        .execute(include_str!("../../sql/sweep_contents.sql"), args())
        .await?;
    Ok(caps.max(contents) >= PIECE.unsigned_abs())
}
