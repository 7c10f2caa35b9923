//! The only thing that loops: claim, recheck, render, begin, call, settle; and keeping the house.

mod call;
mod contain;
mod housekeeping;
mod inflight;
mod lanes;
mod recheck;
mod settle;
mod start;
mod verdict;
mod work;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::clock::Monotonic;
use crate::error::Result;
use crate::id::{ChannelId, OwnerId};
use crate::notification::Priority;
use crate::observer::Event;
use crate::orchestrator::{Handed, Orchestrator, Parts, ProviderSlot, WorkerOptions};
use crate::provider::BreakerChange;
use crate::queue::{Claim, Lease};
use crate::worker::inflight::Inflight;
use crate::worker::start::Unrouted;
use crate::worker::work::{Done, Work};

/// How many deliveries one task carries from recheck to begin.
const CHUNK: usize = 64;

/// How many settlements share a commit at most.
const SETTLE_BATCH: usize = 512;

/// What a worker did until it stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// How many jobs it settled in all.
    pub settled: u64,
    /// How many were still under way when the time for draining was over. They are taken over when their leases end.
    pub abandoned: usize,
}

/// Sends what was accepted. Made by [`Orchestrator::worker`]; any number may run, in any number of processes where the store allows it.
///
/// ```
/// # use notify_core::Orchestrator;
/// async fn serve(notify: Orchestrator, shutdown: impl Future<Output = ()> + Send) -> notify_core::Result<()> {
///     let drained = notify.worker().run(shutdown).await?;
///     println!("settled {}", drained.settled);
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Worker {
    shared: Arc<Shared>,
}

/// What the tasks of one worker share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: Arc<Parts>,
    pub(crate) options: WorkerOptions,
    pub(crate) inflight: Inflight,
    owner: OwnerId,
}

impl Orchestrator {
    /// A worker of this process.
    #[must_use]
    pub fn worker(&self) -> Worker {
        let parts = Arc::clone(self.parts());
        let owner = parts.ids.owner(parts.clock.now());
        Worker {
            shared: Arc::new(Shared {
                parts,
                options: *self.options(),
                inflight: Inflight::default(),
                owner,
            }),
        }
    }
}

impl Worker {
    /// One claim and all it leads to: for tests and simulations, which need no sleeping. Answers how many jobs were settled.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if nothing could be claimed.
    pub async fn turn(&self) -> Result<u64> {
        let shared = &self.shared;
        shared
            .parts
            .queue
            .reclaim(&[], shared.parts.clock.now())
            .await?;
        let (work, _) = shared.claim().await?;
        let (sender, mut receiver) = unbounded_channel();
        let mut tasks = JoinSet::new();
        shared.spawn_all(&mut tasks, work, &sender);
        drop(sender);
        while let Some(ended) = tasks.join_next().await {
            report_panic(&ended);
        }
        let mut batch = Vec::new();
        while let Ok(done) = receiver.try_recv() {
            batch.push(done);
        }
        Ok(settle::settle(shared, batch).await)
    }

    /// Works until `shutdown`, then takes nothing more, waits for the calls under way, and gives back what was not started.
    ///
    /// The caller owns runtime and signals. Dropping the future stops everything at once; what was under way is taken over when its
    /// lease ends.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store does not answer at the start. Later failures are tried again.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<Drained> {
        let shared = &self.shared;
        let now = shared.parts.clock.now();
        let taken_over = shared.parts.queue.reclaim(&[], now).await?;
        tracing::info!(owner = %shared.owner, taken_over, "worker starts");
        let (done, finished) = unbounded_channel::<Done>();
        let (door, handed) = unbounded_channel::<Handed>();
        shared
            .parts
            .local
            .open(shared.owner, shared.options.lease, door);
        let _closed = CloseOnDrop(shared);
        let mut keepers = JoinSet::new();
        keepers.spawn(housekeeping::keep(Arc::clone(shared)));
        let mut settler = JoinSet::new();
        settler.spawn(settle_all(Arc::clone(shared), finished));
        let mut tasks = JoinSet::new();
        shared.work(shutdown, &mut tasks, handed, &done).await;
        let abandoned = shared.drain(&mut tasks).await;
        drop(done);
        let settled = match settler.join_next().await {
            Some(Ok(settled)) => settled,
            _ => 0,
        };
        tracing::info!(owner = %shared.owner, settled, abandoned, "worker stopped");
        Ok(Drained { settled, abandoned })
    }
}

/// Whatever way `run` ends, nothing more is lent to it.
struct CloseOnDrop<'a>(&'a Shared);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.parts.local.close(self.0.owner);
    }
}

async fn settle_all(shared: Arc<Shared>, mut finished: UnboundedReceiver<Done>) -> u64 {
    let mut settled = 0;
    let mut batch = Vec::with_capacity(SETTLE_BATCH);
    while finished.recv_many(&mut batch, SETTLE_BATCH).await > 0 {
        settled += settle::settle(&shared, std::mem::take(&mut batch)).await;
    }
    settled
}

fn report_panic(ended: &std::result::Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        metrics::counter!("notifications_worker_panics_total").increment(1);
        tracing::error!("a task of the worker panicked; its leases are left to end");
    }
}

impl Shared {
    /// Claims and takes what is handed over, until shutdown.
    async fn work(
        self: &Arc<Self>,
        shutdown: impl Future<Output = ()> + Send,
        tasks: &mut JoinSet<()>,
        mut handed: UnboundedReceiver<Handed>,
        done: &UnboundedSender<Done>,
    ) {
        let mut shutdown = pin!(shutdown);
        let (claimed, mut claims) = unbounded_channel::<Vec<Work>>();
        let mut claimer = JoinSet::new();
        claimer.spawn(claim_all(Arc::clone(self), claimed));
        let mut arrived = Vec::with_capacity(CHUNK);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(work) = claims.recv() => self.spawn_all(tasks, work, done),
                count = handed.recv_many(&mut arrived, CHUNK) => {
                    if count == 0 {
                        continue;
                    }
                    let work: Vec<Work> = arrived.drain(..).map(Work::from).collect();
                    self.inflight.add(work.iter().map(|one| (one.lease.job, one.lease.epoch, one.lease.until)));
                    self.spawn_all(tasks, work, done);
                }
                Some(ended) = tasks.join_next() => report_panic(&ended),
            }
        }
        self.parts.local.close(self.owner);
        claimer.shutdown().await;
        // What was lent and not started goes back as it was.
        let now = self.parts.clock.now();
        claims.close();
        handed.close();
        while let Ok(work) = claims.try_recv() {
            work.into_iter()
                .for_each(|one| drop(done.send(one.release(now))));
        }
        while let Ok(one) = handed.try_recv() {
            let _ = done.send(Work::from(one).release(now));
        }
    }

    /// Waits for the calls under way; answers how many were left.
    async fn drain(&self, tasks: &mut JoinSet<()>) -> usize {
        let deadline = self.parts.clock.sleep(self.options.drain);
        let mut deadline = pin!(deadline);
        loop {
            tokio::select! {
                biased;
                ended = tasks.join_next() => match ended {
                    Some(ended) => report_panic(&ended),
                    None => return 0,
                },
                () = &mut deadline => {
                    let left = self.inflight.len();
                    tasks.shutdown().await;
                    return left;
                }
            }
        }
    }

    /// Carries work on, in tasks of bounded size.
    fn spawn_all(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        mut work: Vec<Work>,
        done: &UnboundedSender<Done>,
    ) {
        while !work.is_empty() {
            let rest = work.split_off(work.len().min(CHUNK));
            let chunk = std::mem::replace(&mut work, rest);
            tasks.spawn(dispatch(Arc::clone(self), chunk, done.clone()));
        }
    }

    /// Asks for work, of every lane that this process can serve now; answers also whether there may be more than there was room for.
    async fn claim(&self) -> Result<(Vec<Work>, bool)> {
        let parts = &self.parts;
        let monotonic = parts.clock.monotonic();
        let providers = parts.providers.load_full();
        let open: Vec<ChannelId> = providers
            .channels()
            .into_iter()
            .filter(|channel| providers.is_open(channel, monotonic))
            .collect();
        let mut lanes: Vec<(Priority, ChannelId)> = Priority::ALL
            .into_iter()
            .flat_map(|priority| open.iter().map(move |c| (priority, c.clone())))
            .collect();
        let mut claimed = Vec::new();
        // A lane that came back short leaves its share to the others.
        for _ in 0..3 {
            let slots = parts.local.slots();
            let batch = self.options.batch.saturating_sub(claimed.len());
            let (critical, shared) = (
                slots.free(Priority::Critical).min(batch),
                slots.free(Priority::Low).min(batch),
            );
            let mut shares = lanes::shares(critical, shared, &lanes);
            for share in &mut shares {
                let room = slots.free_in(share.priority, &share.channel);
                share.limit = share.limit.min(u32::try_from(room).unwrap_or(u32::MAX));
            }
            shares.retain(|share| share.limit > 0);
            if shares.is_empty() {
                break;
            }
            // A lane that gets no share has no room here; whether it has work is not known.
            let mut unasked = lanes.clone();
            unasked.retain(|lane| {
                !shares
                    .iter()
                    .any(|share| share.priority == lane.0 && share.channel == lane.1)
            });
            let (leases, asked_at) = self.claim_lanes(shares.clone()).await?;
            lanes = unasked;
            for share in shares {
                let got = leases
                    .iter()
                    .filter(|l| l.priority == share.priority && l.channel == share.channel)
                    .count();
                if got < share.limit as usize {
                    parts
                        .local
                        .lane_is_empty(share.priority, &share.channel, asked_at);
                } else {
                    parts.local.lane_has_work(share.priority, &share.channel);
                    lanes.push((share.priority, share.channel));
                }
            }
            claimed.extend(self.take(leases).await?);
            if lanes.is_empty() {
                break;
            }
        }
        Ok((claimed, !lanes.is_empty()))
    }

    /// Returns when there is room for a fair number of deliveries.
    async fn room(&self) {
        let slots = self.parts.local.slots();
        let enough = (self.options.concurrency / 8).clamp(1, CHUNK);
        let roomy = async {
            // Once at least: what had no room in a channel's own part has some only then.
            slots.freed().await;
            while slots.free(Priority::Low) < enough {
                slots.freed().await;
            }
        };
        tokio::select! {
            () = roomy => {}
            () = self.parts.clock.sleep(self.options.poll) => {}
        }
    }

    async fn claim_lanes(
        &self,
        lanes: Vec<crate::queue::LaneClaim>,
    ) -> Result<(Vec<Lease>, Monotonic)> {
        let parts = &self.parts;
        let (now, asked_at) = (parts.clock.now(), parts.clock.monotonic());
        let claim = Claim {
            owner: self.owner,
            lanes,
            now,
            asked_at,
            ttl: self.options.lease,
        };
        let leases = parts.queue.claim(&claim).await?;
        parts.local.claimed(now);
        Ok((leases, asked_at))
    }

    /// Reads the deliveries of leases and gives each a place. What cannot be read or placed goes back.
    async fn take(&self, leases: Vec<Lease>) -> Result<Vec<Work>> {
        if leases.is_empty() {
            return Ok(Vec::new());
        }
        self.inflight.add(
            leases
                .iter()
                .map(|lease| (lease.job, lease.epoch, lease.until)),
        );
        let ids: Vec<_> = leases
            .iter()
            .filter_map(|lease| lease.job.delivery())
            .collect();
        let loaded = self.parts.deliveries.load(&ids).await?;
        let mut loaded = loaded.into_iter();
        let (slots, now) = (self.parts.local.slots(), self.parts.clock.now());
        let mut work = Vec::with_capacity(leases.len());
        let mut back = Vec::new();
        for lease in leases {
            // A kind of job that this version does not know is left to a newer one.
            let delivery = lease.job.delivery().and_then(|_| loaded.next().flatten());
            match (delivery, slots.take_in(lease.priority, &lease.channel)) {
                (Some(delivery), Some(slot)) => work.push(Work {
                    lease,
                    delivery,
                    snapshot: None,
                    slot,
                }),
                // What was accepted meanwhile took the place: it goes to whoever has one next.
                (Some(_), None) => back.push((lease, now)),
                (None, _) => back.push((lease, now + self.options.backoff)),
            }
        }
        if !back.is_empty() {
            let releases: Vec<_> = back
                .iter()
                .map(|(lease, due)| crate::queue::Release { lease, due: *due })
                .collect();
            self.parts.queue.release(&releases).await?;
            back.iter()
                .for_each(|(lease, _)| self.inflight.remove(lease.job));
        }
        Ok(work)
    }

    pub(crate) fn breaker_changed(&self, slot: &ProviderSlot, change: Option<BreakerChange>) {
        let Some(change) = change else { return };
        tracing::warn!(provider = %slot.name(), from = ?change.from, to = ?change.to, "breaker changed");
        metrics::counter!("notifications_breaker_changes_total", "provider" => slot.name().to_string()).increment(1);
        self.parts.hub.tell(Event::Breaker {
            provider: slot.name().clone(),
            state: change.to,
        });
    }

    pub(crate) fn lost(&self, work: &Work) {
        self.inflight.remove(work.lease.job);
        metrics::counter!("notifications_fenced_total").increment(1);
        tracing::warn!(delivery = %work.delivery.id, epoch = work.lease.epoch, "the lease was lost; stopping work on it");
    }
}

/// Asks for work whenever there may be some and there is room for it.
async fn claim_all(shared: Arc<Shared>, claimed: UnboundedSender<Vec<Work>>) {
    loop {
        match shared.claim().await {
            Ok((work, more)) => {
                if !work.is_empty() && claimed.send(work).is_err() {
                    return;
                }
                if more {
                    shared.room().await;
                } else {
                    shared.parts.queue.wait(shared.options.poll).await;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "cannot claim; trying again");
                shared.parts.clock.sleep(shared.options.poll).await;
            }
        }
    }
}

/// Carries a chunk from recheck to its calls; every delivery of it ends in `done`.
async fn dispatch(shared: Arc<Shared>, mut batch: Vec<Work>, done: UnboundedSender<Done>) {
    let rules = shared.parts.rules.load_full();
    let providers = shared.parts.providers.load_full();
    let mut ended = Vec::new();
    recheck::read(&shared, &rules, &mut batch, &mut ended).await;
    let mut pending = Vec::with_capacity(batch.len());
    for work in batch {
        match recheck::prepare(&shared, &rules, &providers, work).await {
            Ok(prepared) => pending.push(prepared),
            Err(end) => ended.push(end),
        }
    }
    let mut calls = JoinSet::new();
    let patience = shared.parts.clock.sleep(shared.options.call_timeout);
    let mut patience = pin!(patience);
    loop {
        let mut routed = Vec::with_capacity(pending.len());
        let (mut waiting, mut busy) = (Vec::new(), None);
        for prepared in pending {
            match start::route(&shared, &providers, prepared).await {
                Ok(one) => routed.push(one),
                Err(Unrouted::Ended(end)) => ended.push(end),
                Err(Unrouted::Busy(prepared, slot)) => {
                    waiting.push(*prepared);
                    busy = Some(slot);
                }
            }
        }
        let begun = start::begin(&shared, routed, &mut ended).await;
        ended.drain(..).for_each(|end| drop(done.send(end)));
        for group in call::calls(begun) {
            let (shared, done) = (Arc::clone(&shared), done.clone());
            calls.spawn(async move {
                call::make(&shared, group)
                    .await
                    .into_iter()
                    .for_each(|end| drop(done.send(end)));
            });
        }
        let Some(busy) = busy else { break };
        pending = waiting;
        tokio::select! {
            () = busy.bulkhead.freed_for_all() => {}
            () = &mut patience => {
                // It hangs: others, or later, may do better.
                let due = shared.parts.clock.now() + shared.options.backoff;
                pending.into_iter().for_each(|one| drop(done.send(one.work.release(due))));
                break;
            }
        }
    }
    while let Some(ended) = calls.join_next().await {
        report_panic(&ended);
    }
}
