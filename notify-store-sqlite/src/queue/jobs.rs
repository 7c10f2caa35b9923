//! Jobs that are no deliveries: stored once, however often they are asked for.

use notify_core::Result;
use notify_core::queue::{Acceptance, NewJob};

use crate::engine::Engine;
use crate::names::Whose;
use crate::names::shard;
use crate::row::Args;
use crate::session::Session;

/// Stores the jobs of an item; answers whether one is new.
pub(super) async fn insert(
    db: &mut Session<'_>,
    engine: &Engine,
    item: &Acceptance,
    tenant: i64,
    whose: Whose,
) -> Result<bool> {
    let lane = engine
        .names
        .lane_no(db, &(item.priority, NewJob::CHANNEL), whose)
        .await?;
    let mut is_new = false;
    for new in &item.jobs {
        is_new |= insert_one(db, engine, new, tenant, lane).await?;
    }
    Ok(is_new)
}

/// Stores one job; answers whether it is new.
pub(super) async fn insert_one(
    db: &mut Session<'_>,
    engine: &Engine,
    new: &NewJob,
    tenant: i64,
    lane: i64,
) -> Result<bool> {
    let NewJob {
        job, due, payload, ..
    } = new;
    let no = engine.numbers.take(db, 1).await?;
    let args = Args::new()
        .with(no)
        .with(tenant)
        .with(i64::from(job.kind.code()))
        .with(&job.subject.to_be_bytes()[..])
        .with(&payload[..]);
    let text = include_str!("../../sql/job_insert.sql");
    if db.execute(text, args).await? != 1 {
        return Ok(false);
    }
    let args = Args::new()
        .with(no)
        .with(lane)
        .with(shard(tenant))
        .with(due.as_micros());
    db.execute(include_str!("../../sql/job_enqueue.sql"), args)
        .await?;
    Ok(true)
}
