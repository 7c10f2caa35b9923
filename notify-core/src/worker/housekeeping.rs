//! What is done beside the work: leases kept and taken back, gauges set, the old forgotten.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Monotonic, Timestamp};
use crate::id::ChannelId;
use crate::notification::Priority;
use crate::orchestrator::{follow, forget, match_kept, watch};
use crate::queue::LaneDepth;
use crate::worker::contain::contain;
use crate::worker::{Shared, panicked};

/// How often the house is looked after.
const EVERY: Duration = Duration::from_secs(1);

/// How long nothing is taken back after the clock was set forward: each worker prolongs what it has within [`EVERY`].
const STEPPED: Duration = Duration::from_secs(3);

/// How often what was kept long enough is forgotten, in rounds of [`EVERY`].
const SWEEP_ROUNDS: u64 = 60;

/// How many bounded sweeps one round makes at most.
const SWEEPS: usize = 10;

/// Looks after the house until it is dropped.
///
/// What the application brought along, such as the schemes of configured providers, may panic: the house is kept all the same.
pub(crate) async fn keep(shared: Arc<Shared>) {
    let mut round: u64 = 0;
    let mut known = BTreeSet::new();
    let mut step = Step::new(&shared);
    let mut from = shared.parts.clock.monotonic();
    loop {
        shared
            .parts
            .clock
            .sleep(EVERY.min(shared.options.lease / 6))
            .await;
        round += 1;
        let now = shared.parts.clock.monotonic();
        if step.is_ahead(&shared) {
            tracing::warn!(
                "the clock was set forward; leases are taken back again when their owners had time to prolong them"
            );
            from = now + STEPPED;
        }
        if now >= from && contain(take_back(&shared)).await.is_err() {
            panicked("taking back leases");
        }
        if contain(turn(&shared, round, &mut known)).await.is_err() {
            panicked("housekeeping");
        }
    }
}

/// Prolongs leases until it is dropped: apart from everything else, which may take longer than a lease lasts.
pub(crate) async fn keep_leases(shared: Arc<Shared>) {
    let mut step = Step::new(&shared);
    loop {
        shared
            .parts
            .clock
            .sleep(EVERY.min(shared.options.lease / 6))
            .await;
        let is_ahead = step.is_ahead(&shared);
        if contain(prolong(&shared, is_ahead)).await.is_err() {
            panicked("prolonging leases");
        }
    }
}

async fn turn(shared: &Shared, round: u64, known: &mut BTreeSet<Lane>) {
    if let Err(error) = follow(&shared.parts).await {
        tracing::warn!(error = %error, "cannot read provider configurations; going on with those in use");
    }
    if let Err(error) = watch(&shared.parts).await {
        tracing::warn!(error = %error, "cannot read how providers are; going on with what is known here");
    }
    if let Err(error) = match_kept(&shared.parts).await {
        tracing::warn!(error = %error, "cannot match reports that wait for their delivery; they go on waiting");
    }
    gauge(shared, known).await;
    if round.is_multiple_of(SWEEP_ROUNDS) {
        sweep(shared).await;
    }
}

/// Whether the clock that leases end by was set forward: nobody's time is over because of that.
struct Step {
    wall: Timestamp,
    monotonic: Monotonic,
}

impl Step {
    fn new(shared: &Shared) -> Self {
        let clock = &shared.parts.clock;
        Self {
            wall: clock.now(),
            monotonic: clock.monotonic(),
        }
    }

    /// Whether it is further ahead than time passed since this was last asked.
    fn is_ahead(&mut self, shared: &Shared) -> bool {
        let before = std::mem::replace(self, Self::new(shared));
        let passed = self.monotonic.since(before.monotonic);
        self.wall.since(before.wall) > passed + shared.options.lease / 6
    }
}

/// Long work keeps its lease: what ends within two thirds of a lease is prolonged, and everything where the clock was set forward.
async fn prolong(shared: &Shared, everything: bool) {
    let parts = &shared.parts;
    let asked_at = parts.clock.monotonic();
    let soon = if everything {
        Monotonic::from_start(Duration::MAX)
    } else {
        asked_at + shared.options.lease * 2 / 3
    };
    let ending = shared.inflight.ending(soon);
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
            let until = asked_at + shared.options.lease;
            shared.inflight.prolonged(&ending, &lost, until);
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

/// Priority and channel of a lane.
type Lane = (Priority, ChannelId);

async fn gauge(shared: &Shared, known: &mut BTreeSet<Lane>) {
    let now = shared.parts.clock.now();
    let Ok(lanes) = shared.parts.queue.depth(now).await else {
        return;
    };
    for lane in with_empty(known, lanes) {
        let labels = [
            ("channel", lane.channel.to_string()),
            ("priority", lane.priority.to_string()),
        ];
        let set = |name: &'static str, value: f64| metrics::gauge!(name, &labels).set(value);
        set("notifications_queue_size", count(lane.ready + lane.waiting));
        set("notifications_in_flight", count(lane.in_flight));
        set("notifications_poison_jobs", count(lane.poison));
        let oldest = lane.oldest_due.map_or(Duration::ZERO, |due| now.since(due));
        set("notifications_oldest_due_seconds", oldest.as_secs_f64());
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge")]
const fn count(number: u64) -> f64 {
    number as f64
}

/// The lanes, and those that had something before and are left out now: a gauge that is not set keeps what it said last.
fn with_empty(known: &mut BTreeSet<Lane>, mut lanes: Vec<LaneDepth>) -> Vec<LaneDepth> {
    let told = |lane: &LaneDepth| (lane.priority, lane.channel.clone());
    let now: BTreeSet<Lane> = lanes.iter().map(told).collect();
    let empty = known.difference(&now);
    lanes.extend(empty.map(|(priority, channel)| LaneDepth::new(*priority, channel.clone())));
    known.extend(now);
    lanes
}

async fn sweep(shared: &Shared) {
    let (parts, now) = (&shared.parts, shared.parts.clock.now());
    for _ in 0..SWEEPS {
        match parts.queue.sweep(now, &parts.retention).await {
            Ok(swept) => {
                if swept.dead_letters > 0 {
                    metrics::counter!("notifications_dead_letters_forgotten_total")
                        .increment(swept.dead_letters);
                    tracing::warn!(
                        count = swept.dead_letters,
                        "forgot dead letters that nobody looked after"
                    );
                }
                if !swept.more {
                    break;
                }
            }
            Err(error) => {
                tracing::warn!(error = %error, "cannot forget what is old");
                break;
            }
        }
    }
    if let Err(error) = forget(parts).await {
        tracing::warn!(error = %error, "cannot forget what is known of providers that are gone");
    }
    if let Some(inbox) = Arc::clone(&parts.store).inbox()
        && let Err(error) = inbox.sweep_inbox(now, &parts.inbox).await
    {
        tracing::warn!(error = %error, "cannot sweep the inboxes");
    }
    if let Some(privacy) = Arc::clone(&parts.store).privacy()
        && let Err(error) = privacy.sweep_records(now, &parts.retention).await
    {
        tracing::warn!(error = %error, "cannot forget old records");
    }
    if let Some(templates) = Arc::clone(&parts.store).templates()
        && let Err(error) = templates
            .sweep_releases(now, parts.retention.releases())
            .await
    {
        tracing::warn!(error = %error, "cannot forget old template releases");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_that_became_empty_is_told_as_empty() {
        let mut known = BTreeSet::new();
        let mut full = LaneDepth::new(Priority::High, ChannelId::EMAIL);
        full.ready = 3;
        assert_eq!(with_empty(&mut known, vec![full.clone()]), [full]);
        let empty = || LaneDepth::new(Priority::High, ChannelId::EMAIL);
        for _ in 0..2 {
            assert_eq!(with_empty(&mut known, Vec::new()), [empty()]);
        }
    }
}
