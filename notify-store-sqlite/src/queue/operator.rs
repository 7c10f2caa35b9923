//! What operators do: cancel, requeue and purge, each with its audit rows in the same commit.

use notify_core::audit::Actor;
use notify_core::delivery::{EventKind, Frozen, TargetState};
use notify_core::queue::{CancelOutcome, Job};
use notify_core::{DeliveryId, DeliveryState, Reason, Result, TenantId, Timestamp};
use std::collections::{HashMap, HashSet};

use crate::audit;
use crate::engine::Engine;
use crate::events::{self, Event};
use crate::names::shard;
use crate::queue::effect::{End, end_all, is_cancellable};
use crate::queue::status::{self, Status};
use crate::row::{Args, column, json, to_json};
use crate::session::Session;

/// Who acts on which deliveries.
#[derive(Clone, Debug)]
pub(super) struct Acting {
    pub(super) tenant: TenantId,
    pub(super) ids: Vec<DeliveryId>,
    pub(super) actor: Actor,
    pub(super) now: Timestamp,
}

impl Acting {
    /// Looks the deliveries up: one entry for each, in order; those of other tenants are not there, and none is there twice.
    async fn find(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Vec<Option<Status>>> {
        let Some(tenant) = engine.names.find_tenant(db, &self.tenant).await? else {
            return Ok(vec![None; self.ids.len()]);
        };
        let jobs: Vec<Job> = self.ids.iter().map(|id| Job::deliver(*id)).collect();
        let found = status::find(db, &jobs).await?;
        Ok(found
            .into_iter()
            .map(|found| found.filter(|found| found.tenant == tenant))
            .collect())
    }

    async fn record(
        &self,
        db: &mut Session<'_>,
        action: &'static str,
        done: &[DeliveryId],
    ) -> Result<()> {
        let subjects: Vec<String> = done.iter().map(DeliveryId::to_string).collect();
        audit::record(db, &self.tenant, &self.actor, action, &subjects, self.now).await
    }

    /// Ends what no provider has yet, and dead letters. Answers with the outcomes, and with the jobs that nobody has any more.
    pub(super) async fn cancel(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
        reason: Reason,
    ) -> Result<(Vec<CancelOutcome>, Vec<Job>)> {
        let found = self.find(db, engine).await?;
        let (mut outcomes, mut ended, mut done) = (Vec::new(), Vec::new(), Vec::new());
        let mut seen = HashSet::new();
        for (id, status) in self.ids.iter().zip(found) {
            outcomes.push(match status {
                None => CancelOutcome::NotFound,
                Some(status) if !status.state.is_dead_letter() && !is_cancellable(&status) => {
                    CancelOutcome::TooLate(status.seen_state())
                }
                Some(_) if !seen.insert(*id) => CancelOutcome::TooLate(DeliveryState::Cancelled),
                Some(status) => {
                    ended.push(status);
                    done.push(*id);
                    CancelOutcome::Cancelled
                }
            });
        }
        let end = End {
            state: DeliveryState::Cancelled,
            kind: EventKind::Cancelled,
            reason,
        };
        end_all(db, engine, &ended, &end, self.now).await?;
        self.record(db, "delivery.cancel", &done).await?;
        Ok((outcomes, done.into_iter().map(Job::deliver).collect()))
    }

    /// The dead letters among them, each once.
    async fn dead(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
    ) -> Result<(Vec<bool>, Vec<DeliveryId>, Vec<Status>)> {
        let found = self.find(db, engine).await?;
        let (mut answers, mut ids, mut dead, mut seen) =
            (Vec::new(), Vec::new(), Vec::new(), HashSet::new());
        for (id, status) in self.ids.iter().zip(found) {
            let status = status.filter(|status| status.state.is_dead_letter());
            let status = status.filter(|_| seen.insert(*id));
            answers.push(status.is_some());
            if let Some(status) = status {
                ids.push(*id);
                dead.push(status);
            }
        }
        Ok((answers, ids, dead))
    }

    /// Queues dead letters again.
    pub(super) async fn requeue(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Vec<bool>> {
        let (answers, ids, dead) = self.dead(db, engine).await?;
        let numbers: Vec<i64> = dead.iter().map(|status| status.no).collect();
        let text = include_str!("../../sql/delivery_frozen.sql");
        let mut frozen: HashMap<i64, String> = HashMap::new();
        for row in db
            .all_rows(text, Args::new, &numbers, |no, args| args.push(*no))
            .await?
        {
            frozen.insert(column(&row, 0)?, opened(column(&row, 1)?)?);
        }
        let insert = include_str!("../../sql/queue_requeue.sql");
        db.execute_rows(insert, Args::new, &dead, |status, args| {
            args.push(status.no);
            args.push(status.lane);
            args.push(shard(status.tenant));
            args.push(self.now.as_micros());
            args.push(i64::from(status.next_epoch()));
            args.push(frozen.get(&status.no).cloned());
        })
        .await?;
        let text = include_str!("../../sql/delivery_requeue.sql");
        let head = || {
            Args::new()
                .with(self.now.as_micros())
                .with(self.now.as_micros())
        };
        db.execute_rows(text, head, &numbers, |no, args| args.push(*no))
            .await?;
        let event = |no: &i64| Event::new(engine, *no, EventKind::Requeued, None, self.now);
        events::add(db, &numbers.iter().map(event).collect::<Vec<_>>()).await?;
        self.record(db, "delivery.requeue", &ids).await?;
        Ok(answers)
    }

    /// Ends dead letters for good.
    pub(super) async fn purge(&self, db: &mut Session<'_>, engine: &Engine) -> Result<Vec<bool>> {
        let (answers, ids, dead) = self.dead(db, engine).await?;
        let end = End {
            state: DeliveryState::Cancelled,
            kind: EventKind::Cancelled,
            reason: Reason::Purged,
        };
        end_all(db, engine, &dead, &end, self.now).await?;
        self.record(db, "delivery.purge", &ids).await?;
        Ok(answers)
    }
}

/// The targets with those open again that nobody took.
fn opened(frozen: &str) -> Result<String> {
    let mut frozen: Frozen = json(frozen, "target")?;
    for target in &mut frozen.targets {
        if !matches!(target.state, TargetState::Sent { .. }) {
            target.state = TargetState::Open;
        }
    }
    to_json(&frozen)
}
