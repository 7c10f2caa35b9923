//! Jobs that are no deliveries: few at a time, each a short step that moves its job on in the commit of what it made.

mod flush_digest;

mod tick;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::orchestrator::Slot;
use crate::queue::{JobKind, Lease};
use crate::worker::Shared;
use crate::worker::contain::contain;
use crate::worker::inflight::Held;
use crate::worker::panicked;

/// A job on loan that is no delivery.
#[derive(Debug)]
pub(super) struct Loan {
    pub(super) lease: Lease,
    /// Its place: free again when the step is over.
    pub(super) slot: Slot,
    /// Prolongs the lease for as long as somebody works on it.
    pub(super) held: Held,
}

/// What became of one step of a job.
#[derive(Debug)]
pub(super) enum Step {
    /// The job was moved on in the commit of what it made, or is somebody else's by now.
    Moved,
    /// Nothing could be done yet: again then.
    Later(Timestamp),
}

/// Whether this version knows what to do with such a job.
pub(super) const fn is_known(kind: JobKind) -> bool {
    matches!(kind, JobKind::FlushDigest | JobKind::Tick)
}

/// One step of one job, by its kind.
async fn step(shared: &Arc<Shared>, lease: &Lease) -> Result<Step> {
    match lease.job.kind {
        JobKind::FlushDigest => flush_digest::step(shared, lease).await,
        JobKind::Tick => tick::step(shared, lease).await,
        // Each kind that is known has an arm here.
        kind => {
            let text = format!("jobs of kind {} are not known", kind.code());
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

/// Takes a step of each of these jobs.
pub(super) fn spawn_all(
    shared: &Arc<Shared>,
    tasks: &mut JoinSet<()>,
    loans: Vec<Loan>,
    moved: &Arc<AtomicU64>,
) {
    for loan in loans {
        let (shared, moved) = (Arc::clone(shared), Arc::clone(moved));
        tasks.spawn(async move {
            if run(&shared, loan).await {
                moved.fetch_add(1, Ordering::AcqRel);
            }
            // The next step may have been looked for while this one still had its place.
            shared.parts.queue.wake();
        });
    }
}

/// Takes one step; answers whether the job moved on. What fails is tried again later.
async fn run(shared: &Arc<Shared>, loan: Loan) -> bool {
    let Loan { lease, slot, held } = loan;
    let kind = lease.job.kind.code();
    let later = |now: Timestamp| now + shared.options.backoff;
    let due = match contain(step(shared, &lease)).await {
        Ok(Ok(Step::Moved)) => return true,
        Ok(Ok(Step::Later(due))) => due,
        Ok(Err(error)) => {
            tracing::warn!(error = %error, kind, "a job failed; trying again later");
            metrics::counter!("notifications_released_total", "why" => "job").increment(1);
            later(shared.parts.clock.now())
        }
        Err(_) => {
            // Its lease ends by itself, which counts: what panics three times is set aside.
            panicked("a job");
            return false;
        }
    };
    shared.give_back(vec![(held, lease, due)]).await;
    drop(slot);
    false
}

/// Gives back what came too late to be begun.
pub(super) fn give_back(shared: &Arc<Shared>, tasks: &mut JoinSet<()>, loans: Vec<Loan>) {
    if loans.is_empty() {
        return;
    }
    let shared = Arc::clone(shared);
    tasks.spawn(async move {
        let now = shared.parts.clock.now();
        let back = loans.into_iter().map(|loan| (loan.held, loan.lease, now));
        shared.give_back(back.collect()).await;
    });
}
