//! Writes what became of work, many at a time, and tells it after the commit.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryEvent, DeliveryState, EventKind};
use crate::error::{Error, Permanence, Result};
use crate::observer::Event;
use crate::planner::follow;
use crate::queue::{Outcome, Release, Settled};
use crate::worker::Shared;
use crate::worker::work::{Done, Finished, Work};

/// How often what is given back is tried again before its leases are left to end: nothing but time is lost with it.
const RELEASE_TRIES: u32 = 3;

/// How long after the first failure it is tried again.
const WAIT: Duration = Duration::from_millis(50);

/// How long after a failure it is tried again at most: soon after the store is back, before anybody takes the leases over.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// Writes a batch. Returns how many were settled.
pub(crate) async fn settle(shared: &Shared, batch: Vec<Done>) -> u64 {
    let mut finished: Vec<Box<Finished>> = Vec::with_capacity(batch.len());
    let mut released = Vec::new();
    for done in batch {
        match done {
            Done::Settle(one) => finished.push(one),
            Done::Release { work, due } => released.push((work, due)),
        }
    }
    release(shared, released).await;
    if finished.is_empty() {
        return 0;
    }
    for one in &mut finished {
        follow_up(shared, one).await;
    }
    write(shared, &finished).await
}

/// Adds what follows for the steps that wait for this one.
async fn follow_up(shared: &Shared, one: &mut Finished) {
    let Outcome::Finished(state) = one.outcome else {
        return;
    };
    let delivery = &one.work.delivery;
    let rules = shared.parts.rules.load();
    let category = rules.find_category(delivery.request.category());
    let route = delivery
        .request
        .route()
        .or_else(|| category.and_then(|category| category.route()));
    if !route.is_some_and(|route| route.steps().iter().any(|step| step.after.is_some())) {
        return;
    }
    // A step that is not found here is looked at again at its own time, or its safety time.
    if let Ok(siblings) = shared
        .parts
        .deliveries
        .of_notification(&delivery.tenant, delivery.notification)
        .await
    {
        let own: Vec<_> = siblings
            .into_iter()
            .filter(|sibling| sibling.recipient == delivery.recipient)
            .collect();
        one.effects.extend(follow(
            delivery.id,
            state,
            delivery.seen_at.is_some(),
            &own,
            one.now,
        ));
    }
}

/// Writes what became of the jobs in one commit, and tells it; answers how many writes took effect.
async fn write(shared: &Shared, finished: &[Box<Finished>]) -> u64 {
    match write_all(shared, finished).await {
        Ok(applied) => applied,
        // One that the store refuses, such as a row that is damaged, must not take its neighbours along.
        Err(error) if finished.len() > 1 && is_for_good(&error) => {
            tracing::error!(error = %error, count = finished.len(), "a batch was refused; settling one by one");
            let mut applied = 0;
            for one in finished {
                match write_all(shared, std::slice::from_ref(one)).await {
                    Ok(one) => applied += one,
                    Err(error) => unsettled(&error, 1),
                }
            }
            applied
        }
        Err(error) => {
            unsettled(&error, finished.len());
            0
        }
    }
}

fn is_for_good(error: &Error) -> bool {
    error.kind().permanence() == Permanence::Permanent
}

/// Nothing helped: the leases end by time, and whoever takes over knows that the outcome is not known.
fn unsettled(error: &Error, count: usize) {
    tracing::error!(error = %error, count, "cannot settle; the leases are left to end");
    metrics::counter!("notifications_unsettled_total").increment(count as u64);
}

/// Writes until it is written, refused for good, or tried for as long as a lease.
///
/// What went out and is not written goes out again when somebody takes it over, so a store that restarts is waited for.
async fn write_all(shared: &Shared, finished: &[Box<Finished>]) -> Result<u64> {
    let settlements: Vec<_> = finished.iter().map(|one| one.settlement()).collect();
    let mut wait = WAIT;
    let mut attempt = 1;
    let clock = &shared.parts.clock;
    let patience = clock.monotonic() + shared.options.lease;
    loop {
        match shared.parts.queue.settle(&settlements).await {
            Ok(answers) => {
                let mut applied = 0;
                for (one, answer) in finished.iter().zip(answers) {
                    match answer {
                        Settled::Applied => {
                            applied += 1;
                            tell(shared, one);
                        }
                        Settled::Fenced => shared.lost(&one.work),
                    }
                }
                if applied > 0 {
                    shared.parts.commits.note(shared.parts.clock.monotonic());
                }
                return Ok(applied);
            }
            Err(error) if clock.monotonic() < patience && !is_for_good(&error) => {
                tracing::warn!(error = %error, attempt, "cannot settle; trying again");
                clock.sleep(wait).await;
                wait = wait.saturating_mul(2).min(LONGEST_WAIT);
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn release(shared: &Shared, released: Vec<(Box<Work>, Timestamp)>) {
    if released.is_empty() {
        return;
    }
    for (work, _) in &released {
        let lease = &work.lease;
        shared
            .parts
            .local
            .lane_has_work(lease.priority, &lease.channel);
    }
    let releases: Vec<_> = released
        .iter()
        .map(|(work, due)| Release {
            lease: &work.lease,
            due: *due,
        })
        .collect();
    for attempt in 1..=RELEASE_TRIES {
        let Err(error) = shared.parts.queue.release(&releases).await else {
            return;
        };
        tracing::warn!(error = %error, attempt, count = releases.len(), "cannot give work back; what is not given back ends with its lease");
        if attempt < RELEASE_TRIES {
            shared.parts.clock.sleep(WAIT).await;
        }
    }
}

/// Counts and tells what was written.
fn tell(shared: &Shared, one: &Finished) {
    let delivery = &one.work.delivery;
    let channel = delivery.channel.to_string();
    metrics::counter!("notifications_sent_total", "channel" => channel.clone(), "status" => one.event.as_str()).increment(1);
    if one.event == EventKind::Sent {
        let latency = one.now.since(delivery.accepted_at);
        metrics::histogram!("notification_latency_seconds", "channel" => channel)
            .record(latency.as_secs_f64());
    }
    if let Outcome::Finished(state) = one.outcome
        && matches!(state, DeliveryState::Dead | DeliveryState::Parked)
    {
        metrics::counter!("notifications_dead_letters_total", "state" => state.as_str())
            .increment(1);
        tracing::warn!(
            delivery = %delivery.id,
            channel = %delivery.channel,
            provider = one.provider.as_ref().map(AsRef::as_ref),
            fault = one.fault.as_ref().map(tracing::field::display),
            state = state.as_str(),
            "became a dead letter: an operator can requeue or purge it"
        );
    }
    tracing::debug!(
        delivery = %delivery.id,
        notification = %delivery.notification,
        channel = %delivery.channel,
        correlation_id = delivery.request.correlation_id().map(String::as_str),
        attempt = one.attempts,
        provider = one.provider.as_ref().map(AsRef::as_ref),
        fault = one.fault.as_ref().map(tracing::field::display),
        event = one.event.as_str(),
        "settled"
    );
    if shared.parts.hub.is_heard() {
        let mut event = DeliveryEvent::new(delivery.id, one.now, one.event);
        event.reason = one.reason;
        event.attempt = one.provider.is_some().then_some(one.attempts);
        event.provider.clone_from(&one.provider);
        event.message_id.clone_from(&one.message_id);
        event.price = one.price;
        event.segments = one.segments;
        event.fault.clone_from(&one.fault);
        shared.parts.hub.tell(Event::Delivery {
            tenant: delivery.tenant.clone(),
            notification: delivery.notification,
            recipient: delivery.recipient.clone(),
            channel: delivery.channel.clone(),
            category: delivery.request.category().clone(),
            correlation_id: delivery.request.correlation_id().cloned(),
            event,
        });
    }
}
