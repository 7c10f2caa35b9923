//! The only thing that loops: claim, recheck, render, begin, call, settle; and keeping the house.

mod admit;
mod call;
mod claim;
mod contain;
mod dispatch;
mod doubt;
mod gather;
mod housekeeping;
mod inflight;
mod jobs;
mod lanes;
mod read;
mod recheck;
mod run;
mod settle;
mod start;
mod stop;
mod verdict;
mod work;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinSet};

use crate::error::Result;
use crate::id::OwnerId;
use crate::orchestrator::{Orchestrator, Parts, WorkerOptions, watch};
use crate::worker::gather::Gather;
use crate::worker::inflight::Inflight;
use crate::worker::lanes::Turns;
use crate::worker::stop::Stop;
use crate::worker::work::{Done, Work};

/// How many deliveries one task carries from recheck to begin.
const CHUNK: usize = 64;

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
    pub(crate) inflight: Arc<Inflight>,
    turns: Mutex<Turns>,
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
                inflight: Arc::default(),
                turns: Mutex::default(),
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
        if let Err(error) = watch(&shared.parts).await {
            tracing::warn!(error = %error, "cannot read how providers are; going on with what is known here");
        }
        let (claimed, _) = shared.claim().await?;
        let (sender, mut receiver) = unbounded_channel();
        let mut tasks = JoinSet::new();
        // Nothing more comes: there is nobody to wait for.
        shared.spawn_all(&mut tasks, claimed.work, &sender, &Stop::never(), None);
        let moved = Arc::new(AtomicU64::new(0));
        jobs::spawn_all(shared, &mut tasks, claimed.loans, &moved);
        drop(sender);
        while let Some(ended) = tasks.join_next().await {
            report_panic(&ended);
        }
        let mut batch = Vec::new();
        while let Ok(done) = receiver.try_recv() {
            batch.push(done);
        }
        Ok(settle::settle(shared, batch).await + moved.load(Ordering::Acquire))
    }

    /// Works until `shutdown`. Then it takes nothing more, gives back at once what was not begun, due as it was, and waits for the
    /// calls under way, at most for [`WorkerOptions::drain`].
    ///
    /// The caller owns runtime and signals. Dropping the future stops everything at once; what was under way is taken over when its
    /// lease ends.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store does not answer at the start. Later failures are tried again.
    pub async fn run(&self, shutdown: impl Future<Output = ()> + Send) -> Result<Drained> {
        run::run(&self.shared, shutdown).await
    }
}

fn report_panic<T>(ended: &std::result::Result<T, JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        panicked("a task of the worker");
    }
}

/// Counts and logs a panic that was contained. The leases of what it took along are left to end.
fn panicked(who: &str) {
    metrics::counter!("notifications_worker_panics_total").increment(1);
    tracing::error!("{who} panicked; the leases of what it had are left to end");
}

impl Shared {
    /// Carries work on, in tasks of bounded size.
    fn spawn_all(
        self: &Arc<Self>,
        tasks: &mut JoinSet<()>,
        mut work: Vec<Work>,
        done: &UnboundedSender<Done>,
        stop: &Stop,
        gather: Option<&Arc<Gather>>,
    ) {
        while !work.is_empty() {
            let rest = work.split_off(work.len().min(CHUNK));
            let chunk = std::mem::replace(&mut work, rest);
            let (shared, done, stop) = (Arc::clone(self), done.clone(), stop.clone());
            let gather = gather.map(Arc::clone);
            tasks.spawn(dispatch::dispatch(shared, chunk, done, stop, gather));
        }
    }

    pub(crate) fn lost(&self, work: &Work) {
        metrics::counter!("notifications_fenced_total").increment(1);
        tracing::warn!(delivery = %work.delivery.id, epoch = work.lease.epoch, "the lease was lost; stopping work on it");
    }
}
