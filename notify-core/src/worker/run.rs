//! The life of a worker: it works until it is told to stop, gives back what was not begun, and waits for the rest.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::error::Result;
use crate::orchestrator::Handed;
use crate::worker::claim::Claimed;
use crate::worker::contain::contain;
use crate::worker::gather::Gather;
use crate::worker::stop::Stop;
use crate::worker::work::{Done, Work};
use crate::worker::{
    CHUNK, Drained, Shared, claim, housekeeping, jobs, panicked, report_panic, settle,
};

/// How many settlements share a commit at most.
const SETTLE_BATCH: usize = 512;

/// Works until `shutdown`, and drains.
pub(super) async fn run(
    shared: &Arc<Shared>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<Drained> {
    let parts = &shared.parts;
    let taken_over = parts.queue.reclaim(&[], parts.clock.now()).await?;
    tracing::info!(owner = %shared.owner, taken_over, "worker starts");
    let (done, finished) = unbounded_channel::<Done>();
    let (door, handed) = unbounded_channel::<Handed>();
    let (claimed, claims) = unbounded_channel::<Claimed>();
    let (hand, stop) = Stop::new();
    let now = parts.clock.monotonic();
    parts
        .local
        .open(shared.owner, shared.options.lease, door, now);
    let _closed = CloseOnDrop(shared);
    let mut keepers = JoinSet::new();
    keepers.spawn(housekeeping::keep(Arc::clone(shared)));
    keepers.spawn(housekeeping::keep_leases(Arc::clone(shared)));
    let settled = Arc::new(AtomicU64::new(0));
    let mut settler = JoinSet::new();
    settler.spawn(settle_all(
        Arc::clone(shared),
        finished,
        Arc::clone(&settled),
    ));
    let mut claimer = JoinSet::new();
    claimer.spawn(claim::claim_all(Arc::clone(shared), claimed, stop.clone()));
    let mut line = Line {
        shared,
        tasks: JoinSet::new(),
        claims,
        handed,
        done,
        settled: Arc::clone(&settled),
        stop,
        gather: Arc::default(),
    };
    line.work(shutdown).await;
    parts.local.close(shared.owner);
    hand.send_replace(true);
    let abandoned = line.drain().await;
    drop(line);
    // The last settlements; a store that hangs must not keep the process.
    tokio::select! {
        _ = settler.join_next() => {}
        () = parts.clock.sleep(shared.options.drain) => {
            tracing::error!("the store did not answer; what was not settled is left to its lease");
        }
    }
    let settled = settled.load(Ordering::Acquire);
    tracing::info!(owner = %shared.owner, settled, abandoned, "worker stopped");
    Ok(Drained { settled, abandoned })
}

/// Whatever way `run` ends, nothing more is lent to it.
struct CloseOnDrop<'a>(&'a Shared);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.parts.local.close(self.0.owner);
    }
}

async fn settle_all(
    shared: Arc<Shared>,
    mut finished: UnboundedReceiver<Done>,
    settled: Arc<AtomicU64>,
) {
    let mut batch = Vec::with_capacity(SETTLE_BATCH);
    while finished.recv_many(&mut batch, SETTLE_BATCH).await > 0 {
        match contain(settle::settle(&shared, std::mem::take(&mut batch))).await {
            Ok(count) => drop(settled.fetch_add(count, Ordering::AcqRel)),
            Err(_) => panicked("settling"),
        }
    }
}

/// Everything that brings work, and the tasks that carry it.
struct Line<'a> {
    shared: &'a Arc<Shared>,
    tasks: JoinSet<()>,
    claims: UnboundedReceiver<Claimed>,
    handed: UnboundedReceiver<Handed>,
    done: UnboundedSender<Done>,
    settled: Arc<AtomicU64>,
    stop: Stop,
    /// What waits for others to share a call with.
    gather: Arc<Gather>,
}

impl Line<'_> {
    /// Takes what is claimed and what is handed over, until shutdown.
    async fn work(&mut self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        let mut arrived = Vec::with_capacity(CHUNK);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(claimed) = self.claims.recv() => {
                    jobs::spawn_all(self.shared, &mut self.tasks, claimed.loans, &self.settled);
                    self.carry(claimed.work);
                }
                // The door stands open until this worker closes it: there is always a sender.
                1.. = self.handed.recv_many(&mut arrived, CHUNK) => {
                    let inflight = &self.shared.inflight;
                    let work = arrived.drain(..).map(|one| Work::handed(one, inflight)).collect();
                    self.carry(work);
                }
                Some(ended) = self.tasks.join_next() => report_panic(&ended),
            }
        }
    }

    fn carry(&mut self, work: Vec<Work>) {
        let Self {
            shared,
            tasks,
            done,
            stop,
            gather,
            ..
        } = self;
        shared.spawn_all(tasks, work, done, stop, Some(gather));
    }

    /// Gives back what still arrives and waits for what was begun; answers how many were left when the time was over.
    async fn drain(&mut self) -> usize {
        let deadline = self.shared.parts.clock.sleep(self.shared.options.drain);
        let mut deadline = pin!(deadline);
        // Claims and accepts that were under way may still lend: until nobody is left who could.
        let (mut claims, mut doors) = (true, true);
        while claims || doors || !self.tasks.is_empty() {
            tokio::select! {
                biased;
                Some(ended) = self.tasks.join_next() => report_panic(&ended),
                work = self.claims.recv(), if claims => match work {
                    Some(claimed) => {
                        self.give_back(claimed.work);
                        jobs::give_back(self.shared, &mut self.tasks, claimed.loans);
                    }
                    None => claims = false,
                },
                one = self.handed.recv(), if doors => match one {
                    Some(one) => self.give_back(vec![Work::handed(one, &self.shared.inflight)]),
                    None => doors = false,
                },
                () = &mut deadline => return self.abandon().await,
            }
        }
        0
    }

    fn give_back(&self, work: Vec<Work>) {
        work.into_iter()
            .for_each(|one| drop(self.done.send(one.hand_back())));
    }

    /// Cuts off what is still under way; answers how many that were.
    async fn abandon(&mut self) -> usize {
        let before = self.shared.inflight.len();
        self.tasks.shutdown().await;
        before.saturating_sub(self.shared.inflight.len())
    }
}
