//! The queue: accepts durably, lends fenced, settles; all in the writer's grouped transactions.
//!
//! `accept`, `begin` and `settle` are written for all callers of a transaction at once, by few statements. They are encoded for the
//! ordinary course, which memory foresees: an item that is not as foreseen undoes the transaction, and then each call is written by
//! itself, with [`Care::More`]: by what the database says.

mod accept;
mod advance;
mod begin;
mod bounce;
mod claim;
mod digest;
mod effect;
mod feedback;
mod insert;
mod jobs;
mod leases;
mod ledger;
mod operator;
mod people;
mod premise;
mod reclaim;
mod schedule;
mod settle;
mod settle_rows;
pub(crate) mod status;
mod sweep;

pub(crate) use accept::{AcceptOp, accept_all};
pub(crate) use begin::{BeginOp, begin_all};
pub(crate) use claim::Turns;
pub(crate) use digest::add_merged;
pub(crate) use effect::{End, end_all};
pub(crate) use leases::Leases;
pub(crate) use reclaim::{recover, reload};
pub(crate) use settle::{SettleOp, settle_all};
pub(crate) use sweep::Cursors;

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::clock::Clock;
use notify_core::id::OwnerId;
use notify_core::queue::{
    Acceptance, Accepted, Advance, Begun, CancelOutcome, CapQuery, CapUse, Claim, Job, KeyHash,
    LaneDepth, Lease, Queue, Release, Retention, Settled, Settlement, Start, Swept,
};
use notify_core::{
    ChannelId, Delivery, DeliveryId, NotificationId, Reason, RecipientId, Result, TenantId,
    Timestamp,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

use crate::SqliteStore;
use crate::delivery;
use crate::queue::claim::Claiming;
use crate::queue::operator::Acting;
use crate::queue::people::Hastening;
use crate::queue::status::Hold;
use crate::row::{Args, column, priority, unsigned};
use crate::session::Session;
use crate::writer::{Op, received};

/// How much is taken for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// What memory foresees.
    Less,
    /// Nothing: the database is asked.
    More,
}

impl SqliteStore {
    fn acting(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Arc<Acting> {
        let (tenant, ids, actor) = (tenant.clone(), ids.to_vec(), actor.clone());
        Arc::new(Acting {
            tenant,
            ids,
            actor,
            now,
        })
    }
}

#[async_trait]
impl Queue for SqliteStore {
    async fn accept(&self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let clock = &self.engine().clock;
        let (now, monotonic) = (clock.now(), clock.monotonic());
        let (answer, answered) = oneshot::channel();
        let op = AcceptOp::new(batch, now, monotonic, Some(answer));
        self.writer().send(Op::Accept(op)).await?;
        received(answered).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Lease>> {
        let (claiming, engine) = (Arc::new(Claiming::new(claim)), Arc::clone(self.engine()));
        let lent = self.writer().write_then(
            move |db| {
                let (claiming, engine) = (Arc::clone(&claiming), Arc::clone(&engine));
                Box::pin(async move { claiming.run(db, &engine).await })
            },
            |engine, lent: &Vec<_>| {
                let loan = |(loan, lease): &(_, Lease)| (lease.job, *loan);
                engine.leases.add(lent.iter().map(loan));
            },
        );
        Ok(lent.await?.into_iter().map(|(_, lease)| lease).collect())
    }

    async fn begin(&self, starts: &[Start<'_>]) -> Result<Vec<Begun>> {
        if starts.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        let op = BeginOp::new(starts, answer)?;
        self.writer().send(Op::Begin(op)).await?;
        received(answered).await
    }

    async fn settle(&self, settlements: &[Settlement<'_>]) -> Result<Vec<Settled>> {
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        let op = SettleOp::new(self.engine(), settlements, answer)?;
        self.writer().send(Op::Settle(op)).await?;
        received(answered).await
    }

    async fn release(&self, releases: &[Release<'_>]) -> Result<Vec<Settled>> {
        let asked: Arc<[(Job, u32, Timestamp)]> = releases
            .iter()
            .map(|release| (release.lease.job, release.lease.epoch, release.due))
            .collect();
        let released = self.writer().write_then(
            move |db| {
                let asked = Arc::clone(&asked);
                Box::pin(async move { release_all(db, &asked).await })
            },
            |engine, (_, freed): &(Vec<Settled>, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
                if !freed.is_empty() {
                    engine.ring();
                }
            },
        );
        Ok(released.await?.0)
    }

    async fn advance(&self, moves: &[Advance]) -> Result<Vec<Settled>> {
        let moves: Arc<[Advance]> = moves.into();
        let moved = self.writer().write_then(
            move |db| {
                let moves = Arc::clone(&moves);
                Box::pin(async move { advance::alone(db, &moves).await })
            },
            |engine, (_, freed): &(Vec<Settled>, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
                if !freed.is_empty() {
                    engine.ring();
                }
            },
        );
        Ok(moved.await?.0)
    }

    async fn extend(
        &self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Vec<Job>> {
        let (leases, engine): (Arc<[_]>, _) = (leases.into(), Arc::clone(self.engine()));
        let until = now + ttl;
        let extended = self.writer().write_then(
            move |db| {
                let (leases, engine) = (Arc::clone(&leases), Arc::clone(&engine));
                Box::pin(async move { claim::extend(db, &engine, owner, &leases, until).await })
            },
            move |engine, (prolonged, _): &(Vec<Job>, Vec<Job>)| {
                engine.leases.prolong(prolonged.iter().copied(), until);
            },
        );
        Ok(extended.await?.1)
    }

    async fn reclaim(&self, dead_owners: &[OwnerId], now: Timestamp) -> Result<u64> {
        let engine = Arc::clone(self.engine());
        let dead_owners: Arc<[OwnerId]> = dead_owners.into();
        if engine.leases.lost(&dead_owners, now).is_empty() {
            return Ok(0);
        }
        let taken = self.writer().write_then(
            move |db| {
                let (engine, dead_owners) = (Arc::clone(&engine), Arc::clone(&dead_owners));
                Box::pin(async move {
                    // Looked up here: what was prolonged or settled meanwhile is not lost.
                    let lost = engine.leases.lost(&dead_owners, now);
                    let numbers: Vec<i64> = lost.iter().map(|(_, loan)| loan.no).collect();
                    let taken = reclaim::take_back(db, &engine, &numbers, now).await?;
                    Ok((
                        taken,
                        lost.into_iter().map(|(job, _)| job).collect::<Vec<_>>(),
                    ))
                })
            },
            |engine, (_, freed): &(u64, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
                engine.ring();
            },
        );
        Ok(taken.await?.0)
    }

    async fn cancel(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        reason: Reason,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<CancelOutcome>> {
        let (acting, engine) = (
            self.acting(tenant, ids, actor, now),
            Arc::clone(self.engine()),
        );
        let cancelled = self.writer().write_then(
            move |db| {
                let (acting, engine) = (Arc::clone(&acting), Arc::clone(&engine));
                Box::pin(async move { acting.cancel(db, &engine, reason).await })
            },
            |engine, (_, freed): &(Vec<CancelOutcome>, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
            },
        );
        Ok(cancelled.await?.0)
    }

    async fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let before = before.map_or([u8::MAX; 16], |id| *id.as_bytes());
        let args = Args::new()
            .with(tenant.as_str())
            .with(&before[..])
            .with(i64::from(limit));
        let mut reader = self.reader().await?;
        let text = include_str!("../sql/delivery_dead.sql");
        let rows = reader.session()?.all(text, args).await?;
        rows.iter().map(delivery::read).collect()
    }

    async fn requeue(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        let (acting, engine) = (
            self.acting(tenant, ids, actor, now),
            Arc::clone(self.engine()),
        );
        let requeued = self.writer().write_then(
            move |db| {
                let (acting, engine) = (Arc::clone(&acting), Arc::clone(&engine));
                Box::pin(async move { acting.requeue(db, &engine).await })
            },
            |engine, _: &Vec<bool>| engine.ring(),
        );
        requeued.await
    }

    async fn purge(
        &self,
        tenant: &TenantId,
        ids: &[DeliveryId],
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<bool>> {
        let (acting, engine) = (
            self.acting(tenant, ids, actor, now),
            Arc::clone(self.engine()),
        );
        let purged = self.writer().write(move |db| {
            let (acting, engine) = (Arc::clone(&acting), Arc::clone(&engine));
            Box::pin(async move { acting.purge(db, &engine).await })
        });
        purged.await
    }

    async fn hasten(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64> {
        let hastening = Arc::new(Hastening {
            tenant: tenant.clone(),
            recipient: recipient.clone(),
            reasons: reasons.to_vec(),
            now,
        });
        let hastened = self.writer().write_then(
            move |db| {
                let hastening = Arc::clone(&hastening);
                Box::pin(async move { hastening.run(db).await })
            },
            |engine, (_, freed): &(u64, Vec<Job>)| {
                engine.leases.remove(freed.iter().copied());
                engine.ring();
            },
        );
        Ok(hastened.await?.0)
    }

    async fn usage(
        &self,
        tenant: &TenantId,
        caps: &[CapQuery],
        now: Timestamp,
    ) -> Result<Vec<CapUse>> {
        self.cap_usage(tenant, caps, now).await
    }

    async fn find_key(&self, tenant: &TenantId, key: &KeyHash) -> Result<Option<NotificationId>> {
        self.notification_of_key(tenant, key).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Vec<LaneDepth>> {
        let mut reader = self.reader().await?;
        let args = Args::new()
            .with(now.as_micros())
            .with(now.as_micros())
            .with(now.as_micros());
        let rows = reader
            .session()?
            .all(include_str!("../sql/queue_depth.sql"), args)
            .await?;
        let lent = self.engine().leases.by_lane();
        let mut lanes = Vec::with_capacity(rows.len());
        for row in &rows {
            let channel = ChannelId::from(column::<String>(row, 2)?);
            let mut depth = LaneDepth::new(priority(column(row, 1)?)?, channel);
            depth.ready = unsigned(column(row, 3)?, "queue entry")?;
            depth.waiting = unsigned(column(row, 4)?, "queue entry")?;
            depth.oldest_due = column::<Option<i64>>(row, 5)?.map(Timestamp::from_micros);
            depth.in_flight = lent.get(&column(row, 0)?).copied().unwrap_or(0);
            depth.poison = unsigned(column(row, 6)?, "queue entry")?;
            if !depth.is_empty() {
                lanes.push(depth);
            }
        }
        Ok(lanes)
    }

    async fn sweep(&self, now: Timestamp, retention: &Retention) -> Result<Swept> {
        let (engine, retention) = (Arc::clone(self.engine()), *retention);
        let swept = self.writer().write(move |db| {
            let engine = Arc::clone(&engine);
            Box::pin(async move { sweep::sweep(db, &engine, now, &retention).await })
        });
        swept.await
    }

    async fn wait(&self, timeout: Duration) {
        let engine = self.engine();
        tokio::select! {
            () = engine.wake.notified() => {}
            () = engine.clock.sleep(timeout) => {}
        }
    }

    fn wake(&self) {
        self.engine().ring();
    }
}

/// Gives back what was not begun. Answers for each, and with the jobs that nobody has any more.
async fn release_all(
    db: &mut Session<'_>,
    asked: &[(Job, u32, Timestamp)],
) -> Result<(Vec<Settled>, Vec<Job>)> {
    let jobs: Vec<Job> = asked.iter().map(|(job, ..)| *job).collect();
    let (mut answers, mut freed, mut rows) =
        (Vec::with_capacity(asked.len()), Vec::new(), Vec::new());
    for ((job, epoch, due), status) in asked.iter().zip(status::find(db, &jobs).await?) {
        let queued = status.and_then(|status| Some((status.no, status.queued?)));
        answers.push(match queued.filter(|(_, (_, held))| held == epoch) {
            Some((no, (Hold::Leased, _))) => {
                rows.push((no, *due));
                freed.push(*job);
                Settled::Applied
            }
            // Nobody had it since: this was asked before.
            Some((_, (Hold::Ready, _))) => Settled::Applied,
            _ => Settled::Fenced,
        });
    }
    let text = include_str!("../sql/queue_release.sql");
    db.execute_rows(text, Args::new, &rows, |(no, due), args| {
        args.push(*no);
        args.push(due.as_micros());
    })
    .await?;
    Ok((answers, freed))
}
