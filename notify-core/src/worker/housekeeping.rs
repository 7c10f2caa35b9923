//! What is done beside the work: leases kept and taken back, gauges set, the old forgotten.

use std::sync::Arc;
use std::time::Duration;

use crate::inbox::InboxLimits;
use crate::orchestrator::follow;
use crate::queue::Retention;
use crate::worker::Shared;

/// How often the house is looked after.
const EVERY: Duration = Duration::from_secs(1);

/// How often what was kept long enough is forgotten, in rounds of [`EVERY`].
const SWEEP_ROUNDS: u64 = 60;

/// How many bounded sweeps one round makes at most.
const SWEEPS: usize = 10;

/// Looks after the house until it is dropped.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let mut round: u64 = 0;
    loop {
        shared
            .parts
            .clock
            .sleep(EVERY.min(shared.options.lease / 6))
            .await;
        round += 1;
        prolong(&shared).await;
        take_back(&shared).await;
        if let Err(error) = follow(&shared.parts).await {
            tracing::warn!(error = %error, "cannot read provider configurations; going on with those in use");
        }
        gauge(&shared).await;
        if round.is_multiple_of(SWEEP_ROUNDS) {
            sweep(&shared).await;
        }
    }
}

/// Long work keeps its lease: what ends within two thirds of a lease is prolonged.
async fn prolong(shared: &Shared) {
    let parts = &shared.parts;
    let asked_at = parts.clock.monotonic();
    let ending = shared
        .inflight
        .ending(asked_at + shared.options.lease * 2 / 3);
    if ending.is_empty() {
        return;
    }
    match parts
        .queue
        .extend(
            shared.owner,
            &ending,
            parts.clock.now(),
            shared.options.lease,
        )
        .await
    {
        Ok(lost) => {
            shared
                .inflight
                .prolonged(&ending, asked_at + shared.options.lease);
            lost.into_iter().for_each(|job| shared.inflight.remove(job));
        }
        Err(error) => tracing::warn!(error = %error, "cannot prolong leases"),
    }
}

/// Leases that ended belong to somebody who is gone.
async fn take_back(shared: &Shared) {
    match shared
        .parts
        .queue
        .reclaim(&[], shared.parts.clock.now())
        .await
    {
        Ok(0) => {}
        Ok(count) => {
            metrics::counter!("notifications_reclaimed_total").increment(count);
            tracing::warn!(count, "took back leases that had ended");
            shared.parts.queue.wake();
        }
        Err(error) => tracing::warn!(error = %error, "cannot take back leases"),
    }
}

async fn gauge(shared: &Shared) {
    let now = shared.parts.clock.now();
    let Ok(lanes) = shared.parts.queue.depth(now).await else {
        return;
    };
    for lane in lanes {
        let labels = [
            ("channel", lane.channel.to_string()),
            ("priority", lane.priority.to_string()),
        ];
        #[expect(clippy::cast_precision_loss, reason = "a gauge")]
        let (size, in_flight) = ((lane.ready + lane.waiting) as f64, lane.in_flight as f64);
        metrics::gauge!("notifications_queue_size", &labels).set(size);
        metrics::gauge!("notifications_in_flight", &labels).set(in_flight);
        let oldest = lane
            .oldest_due
            .map_or(0.0, |due| now.since(due).as_secs_f64());
        metrics::gauge!("notifications_oldest_due_seconds", &labels).set(oldest);
    }
}

async fn sweep(shared: &Shared) {
    let now = shared.parts.clock.now();
    for _ in 0..SWEEPS {
        match shared.parts.queue.sweep(now, &Retention::default()).await {
            Ok(swept) if swept.more => {}
            Ok(_) => break,
            Err(error) => {
                tracing::warn!(error = %error, "cannot forget what is old");
                break;
            }
        }
    }
    if let Some(inbox) = Arc::clone(&shared.parts.store).inbox()
        && let Err(error) = inbox.sweep_inbox(now, &InboxLimits::default()).await
    {
        tracing::warn!(error = %error, "cannot sweep the inboxes");
    }
}
