//! How members leave: into their digest, each its own way, or not at all.

use notify_core::delivery::{DeliveryState, EventKind};
use notify_core::queue::{Flush, Job};
use notify_core::{DeliveryId, Reason, Result, Timestamp};
use std::collections::BTreeMap;

use crate::engine::Engine;
use crate::error;
use crate::events::{self, Event};
use crate::names::shard;
use crate::queue::effect::{End, end_all, move_all};
use crate::queue::status::{self, Status};
use crate::row::Args;
use crate::session::Session;

/// A bucket that leaves.
#[derive(Debug)]
pub(super) struct Leaving {
    pub(super) flush: Flush,
    /// What the merged leave in.
    pub(super) into: Option<DeliveryId>,
    pub(super) now: Timestamp,
}

/// Moves the members of a bucket; answers whether one of them can be claimed now.
pub(super) async fn leave(
    db: &mut Session<'_>,
    engine: &Engine,
    leaving: &Leaving,
) -> Result<bool> {
    let Leaving { flush, into, now } = leaving;
    let merged = find(db, &flush.merged).await?;
    if let Some(into) = into {
        let head = || Args::new().with(&into.as_bytes()[..]);
        let text = include_str!("../../../sql/digest_merge.sql");
        let no = |status: &Status, args: &mut Args| args.push(status.no);
        db.execute_rows(text, head, &merged, no).await?;
    }
    move_all(db, &merged, DeliveryState::Merged, None, *now).await?;
    let event = |status: &Status| Event::new(engine, status.no, EventKind::Merged, None, *now);
    events::add(db, &merged.iter().map(event).collect::<Vec<_>>()).await?;

    let mut by_reason: BTreeMap<Reason, Vec<DeliveryId>> = BTreeMap::new();
    for (id, reason) in &flush.ended {
        by_reason.entry(*reason).or_default().push(*id);
    }
    for (reason, ids) in by_reason {
        let state = Flush::end_of(reason);
        let kind = match state {
            DeliveryState::Expired => EventKind::Expired,
            _ => EventKind::Suppressed,
        };
        let ended = find(db, &ids).await?;
        let end = End {
            state,
            kind,
            reason,
        };
        end_all(db, engine, &ended, &end, *now).await?;
    }
    let released = find(db, &flush.released).await?;
    for status in &released {
        release(db, engine, status, *now).await?;
    }
    let args = Args::new().with(&flush.bucket.as_bytes()[..]);
    db.execute(include_str!("../../../sql/digest_empty.sql"), args)
        .await?;
    Ok(!released.is_empty())
}

/// Where these deliveries stand: all of them are there.
async fn find(db: &mut Session<'_>, ids: &[DeliveryId]) -> Result<Vec<Status>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let jobs: Vec<Job> = ids.iter().map(|id| Job::deliver(*id)).collect();
    let found = status::find(db, &jobs).await?;
    let there = found
        .into_iter()
        .map(|status| status.ok_or_else(|| error::corrupt("digest")));
    there.collect()
}

/// Queues a member, due now.
async fn release(
    db: &mut Session<'_>,
    engine: &Engine,
    status: &Status,
    now: Timestamp,
) -> Result<()> {
    let args = Args::new()
        .with(i64::from(DeliveryState::Queued.code()))
        .with(now.as_micros())
        .with(status.no);
    db.execute(include_str!("../../../sql/delivery_move.sql"), args)
        .await?;
    let args = Args::new()
        .with(status.no)
        .with(status.lane)
        .with(shard(status.tenant))
        .with(now.as_micros());
    db.execute(include_str!("../../../sql/job_enqueue.sql"), args)
        .await?;
    let event = Event::new(engine, status.no, EventKind::Queued, None, now);
    events::add(db, &[event]).await
}
