//! What a settlement does to other deliveries, and how deliveries are ended from outside of their lease.

use notify_core::delivery::{Cause, EventKind, transition};
use notify_core::queue::{Effect, Job};
use notify_core::{DeliveryId, DeliveryState, Reason, Result, TenantId, Timestamp};
use std::collections::HashMap;

use crate::engine::Engine;
use crate::events::{self, Event};
use crate::names::Whose;
use crate::queue::status::{self, Hold, Status};
use crate::row::Args;
use crate::session::Session;

/// Carries effects on deliveries out, in order; answers with the jobs that nobody has any more.
pub(super) async fn carry_out(
    db: &mut Session<'_>,
    engine: &Engine,
    tenant: &TenantId,
    effects: &[Effect],
    now: Timestamp,
) -> Result<Vec<Job>> {
    let jobs: Vec<Job> = effects
        .iter()
        .filter_map(|effect| Some(Job::deliver(subject(effect)?)))
        .collect();
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = engine.names.tenant_no(db, tenant, Whose::Ours).await?;
    let found = status::find(db, &jobs).await?;
    let mut known: HashMap<Job, Status> = HashMap::new();
    for (job, status) in jobs.iter().zip(found) {
        known.extend(
            status
                .filter(|status| status.tenant == tenant)
                .map(|status| (*job, status)),
        );
    }
    let mut touched = Vec::new();
    for effect in effects {
        let Some(job) = subject(effect).map(Job::deliver) else {
            continue;
        };
        let Some(status) = known.get(&job).copied() else {
            continue;
        };
        let is_done = match effect {
            Effect::Release { due, .. } => release(db, engine, &status, *due, now).await?,
            Effect::Cancel { reason, .. } if is_cancellable(&status) => {
                let end = End {
                    state: DeliveryState::Cancelled,
                    kind: EventKind::Cancelled,
                    reason: *reason,
                };
                end_all(db, engine, &[status], &end, now).await?;
                true
            }
            _ => false,
        };
        if is_done {
            // Effects of one settlement touch a delivery once.
            known.remove(&job);
            touched.push(job);
        }
    }
    Ok(touched)
}

const fn subject(effect: &Effect) -> Option<DeliveryId> {
    match effect {
        Effect::Release { delivery, .. } | Effect::Cancel { delivery, .. } => Some(*delivery),
        _ => None,
    }
}

/// Lets a waiting step go at `due`, whoever has it now.
async fn release(
    db: &mut Session<'_>,
    engine: &Engine,
    status: &Status,
    due: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let is_waiting = status.state == DeliveryState::Held
        && status.queued.is_some_and(|(hold, _)| hold != Hold::Sending);
    if !is_waiting {
        return Ok(false);
    }
    let args = Args::new().with(due.as_micros()).with(status.no);
    db.execute(include_str!("../../sql/queue_release_step.sql"), args)
        .await?;
    if due <= now {
        let args = Args::new()
            .with(i64::from(DeliveryState::Queued.code()))
            .with(now.as_micros())
            .with(status.no);
        db.execute(include_str!("../../sql/delivery_move.sql"), args)
            .await?;
        let event = Event::new(engine, status.no, EventKind::Queued, None, now);
        events::add(db, &[event]).await?;
    }
    Ok(true)
}

/// Whether it waits, so that no provider has it.
pub(super) fn is_cancellable(status: &Status) -> bool {
    let state = status.seen_state();
    state.is_open() && transition(state, DeliveryState::Cancelled, Cause::Cancel)
}

/// How deliveries are ended.
pub(crate) struct End {
    pub(crate) state: DeliveryState,
    pub(crate) kind: EventKind,
    pub(crate) reason: Reason,
}

/// Ends deliveries, and fences whoever has them.
pub(crate) async fn end_all(
    db: &mut Session<'_>,
    engine: &Engine,
    ended: &[Status],
    end: &End,
    now: Timestamp,
) -> Result<()> {
    let reason = engine.names.known().word(end.reason.as_str());
    move_all(db, ended, end.state, reason, now).await?;
    let event = |status: &Status| Event::new(engine, status.no, end.kind, Some(end.reason), now);
    let events: Vec<Event> = ended.iter().map(event).collect();
    events::add(db, &events).await
}

/// Moves deliveries to a state in which nothing is left to do, for the reason with this number, and fences whoever has them.
pub(super) async fn move_all(
    db: &mut Session<'_>,
    ended: &[Status],
    to: DeliveryState,
    reason: Option<i64>,
    now: Timestamp,
) -> Result<()> {
    let head = || {
        Args::new()
            .with(i64::from(to.code()))
            .with(reason)
            .with(now.as_micros())
            .with(to.is_dead_letter())
            .with(to.is_dead_letter())
    };
    let row = |status: &Status, args: &mut Args| {
        args.push(status.no);
        args.push(i64::from(status.next_epoch()));
    };
    db.execute_rows(include_str!("../../sql/delivery_end.sql"), head, ended, row)
        .await?;
    let numbers: Vec<i64> = ended.iter().map(|status| status.no).collect();
    remove(db, &numbers).await
}

/// Takes jobs out of the queue.
pub(super) async fn remove(db: &mut Session<'_>, numbers: &[i64]) -> Result<()> {
    let text = include_str!("../../sql/queue_remove_all.sql");
    db.execute_rows(text, Args::new, numbers, |no, args| args.push(*no))
        .await?;
    Ok(())
}
