//! The calls themselves: each within its time, none able to take the worker along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

use crate::delivery::{DeliveryState, EventKind, MessageRef, Reason, Target, TargetState};
use crate::id::ProviderName;
use crate::notification::{OnUnknown, Priority};
use crate::orchestrator::ProviderSlot;
use crate::provider::{Envelope, Fault, FaultKind, Progress, Receipt};
use crate::queue::Outcome;
use crate::worker::contain::{Panicked, contain, contain_call};
use crate::worker::start::Routed;
use crate::worker::verdict::{Circumstances, verdict};
use crate::worker::work::{Done, Finished};
use crate::worker::{Shared, report_panic};

/// How much longer than its own time a call is left to answer.
const GRACE: Duration = Duration::from_secs(1);

/// The most messages of a category that parks unknown outcomes in one call: what one crash can park.
const PARK_BATCH: usize = 100;

/// Begun deliveries, by the calls they make: one each, or several together where the provider takes batches.
pub(crate) fn calls(begun: Vec<Routed>) -> Vec<Vec<Routed>> {
    let mut alone = Vec::new();
    let mut together: BTreeMap<(ProviderName, u64, Priority), Vec<Routed>> = BTreeMap::new();
    for one in begun {
        let batch = batch(&one).filter(|_| one.prepared.frozen.targets.len() == 1);
        match batch {
            Some(key) => {
                let lane = (
                    one.provider.name().clone(),
                    key,
                    one.prepared.work.delivery.priority,
                );
                together.entry(lane).or_default().push(one);
            }
            None => alone.push(vec![one]),
        }
    }
    for mut group in together.into_values() {
        let most = group.iter().map(most).min().unwrap_or(1);
        while group.len() > most {
            let rest = group.split_off(most);
            alone.push(std::mem::replace(&mut group, rest));
        }
        alone.push(group);
    }
    alone
}

/// With which other messages a delivery's may share a call; `None` for none: a crash in the call leaves all of them in doubt.
fn batch(one: &Routed) -> Option<u64> {
    let provider = &one.provider.provider;
    if provider.capabilities().batch_max() <= 1
        || one.prepared.work.delivery.priority == Priority::Critical
    {
        return None;
    }
    contain_call(|| provider.batch_key(&one.prepared.message)).unwrap_or(None)
}

/// How many messages the call of a delivery that may share one has at most.
fn most(one: &Routed) -> usize {
    let able = one.provider.provider.capabilities().batch_max().max(1);
    if one.prepared.category.when_unknown() == OnUnknown::Park {
        able.min(PARK_BATCH)
    } else {
        able
    }
}

/// An answer to one envelope.
type Answer = Result<Receipt, Fault>;

/// Makes one call when the provider has room for it, and says what becomes of each delivery in it.
///
/// The targets of one delivery that cannot share a call are called for one by one, each when there is room.
pub(crate) async fn make(shared: &Arc<Shared>, group: Vec<Routed>) -> Vec<Done> {
    let Some(first) = group.first() else {
        return Vec::new();
    };
    let (slot, priority) = (
        Arc::clone(&first.provider),
        first.prepared.work.delivery.priority,
    );
    let most = batch(first).map_or(1, |_| most(first));
    let permit = slot.calls.permit(priority).await;
    let (group, mut done) = still_in_time(shared, group);
    let envelopes: Vec<Envelope> = group
        .iter()
        .flat_map(|one| envelopes(shared, one))
        .collect();
    let answers = if envelopes.len() <= most {
        let answers = call(shared, &slot, &envelopes).await;
        drop(permit);
        answers
    } else {
        drop(permit);
        one_by_one(shared, &slot, priority, &envelopes, most).await
    };
    observe_health(shared, &slot, &group, &answers);
    let mut answers = answers.into_iter();
    for one in group {
        let open = one
            .prepared
            .frozen
            .targets
            .iter()
            .filter(|target| target.is_open())
            .count();
        let own: Vec<_> = answers.by_ref().take(open).collect();
        done.push(finish(shared, one, own));
    }
    done
}

/// What expired while it waited for a permit is not called.
fn still_in_time(shared: &Shared, group: Vec<Routed>) -> (Vec<Routed>, Vec<Done>) {
    let now = shared.parts.clock.now();
    let is_over = |one: &Routed| {
        let expires_at = one.prepared.work.delivery.expires_at;
        expires_at.is_some_and(|at| at <= now)
    };
    let (over, group): (Vec<_>, Vec<_>) = group.into_iter().partition(is_over);
    let expired = over.into_iter().map(|one| {
        one.forgo();
        let (work, outcome) = (one.prepared.work, Outcome::Finished(DeliveryState::Expired));
        Finished::not_called(work, outcome, Reason::Expired, EventKind::Expired, now)
    });
    (group, expired.collect())
}

/// Several calls for the targets of one delivery. Answers for each envelope, in order.
async fn one_by_one(
    shared: &Arc<Shared>,
    slot: &Arc<ProviderSlot>,
    priority: Priority,
    envelopes: &[Envelope],
    most: usize,
) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    let mut answers: Vec<Vec<Answer>> = Vec::new();
    for (no, part) in envelopes.chunks(most).enumerate() {
        answers.push(
            part.iter()
                .map(|_| Err(Fault::unknown("no_answer")))
                .collect(),
        );
        let (shared, slot, part) = (Arc::clone(shared), Arc::clone(slot), part.to_vec());
        calls.spawn(async move {
            let _permit = slot.calls.permit(priority).await;
            (no, call(&shared, &slot, &part).await)
        });
    }
    while let Some(ended) = calls.join_next().await {
        report_panic(&ended);
        if let Ok((no, answer)) = ended {
            answers[no] = answer;
        }
    }
    answers.into_iter().flatten().collect()
}

/// Makes one call, and measures it; answers for each envelope, in order.
async fn call(shared: &Shared, slot: &ProviderSlot, envelopes: &[Envelope]) -> Vec<Answer> {
    if envelopes.is_empty() {
        return Vec::new();
    }
    let (clock, started) = (&shared.parts.clock, shared.parts.clock.monotonic());
    let mut answers = within(shared, slot, envelopes).await;
    metrics::histogram!("notification_provider_seconds", "provider" => slot.name().to_string())
        .record(clock.monotonic().since(started).as_secs_f64());
    answers.resize_with(envelopes.len(), || Err(Fault::unknown("no_answer")));
    answers
}

fn envelopes<'a>(shared: &'a Shared, one: &'a Routed) -> impl Iterator<Item = Envelope> + 'a {
    let delivery = &one.prepared.work.delivery;
    let open = one
        .prepared
        .frozen
        .targets
        .iter()
        .filter(|target| target.is_open());
    open.map(move |target| {
        let key = format!("{}-{}-{}", delivery.id, target.no, one.provider.name());
        let mut envelope = Envelope::new(key, target.address.clone(), one.prepared.message.clone());
        envelope.tenant = delivery.tenant.clone();
        envelope.notification = delivery.notification;
        envelope.delivery = delivery.id;
        envelope.class = delivery.class;
        envelope.category = delivery.request.category().clone();
        envelope.correlation_id = delivery
            .request
            .correlation_id()
            .map(|id| id.as_str().into());
        envelope.timeout = shared.options.call_timeout;
        envelope
    })
}

/// The provider's answers. A call that does not end is cut off; what it means is in its progress.
async fn within(shared: &Shared, slot: &ProviderSlot, envelopes: &[Envelope]) -> Vec<Answer> {
    let provider = &slot.provider;
    let call = contain(async {
        match envelopes {
            [one] => vec![provider.send(one).await],
            several => provider.send_batch(several).await,
        }
    });
    let backstop = shared
        .parts
        .clock
        .sleep(shared.options.call_timeout + GRACE);
    let cut_off = |code: &'static str| {
        let fault = |progress: &Progress| {
            if progress.nothing_written() {
                Fault::provider(code)
            } else {
                Fault::unknown(code)
            }
        };
        envelopes
            .iter()
            .map(|envelope| Err(fault(&envelope.progress)))
            .collect()
    };
    tokio::select! {
        biased;
        answers = call => match answers {
            Ok(answers) => answers,
            Err(Panicked) => {
                tracing::error!(provider = %slot.name(), "the provider panicked");
                cut_off("panic")
            }
        },
        () = backstop => cut_off("timeout"),
    }
}

/// Lets the breaker know how the call went: once, by its worst answer about the provider.
fn observe_health(shared: &Shared, slot: &ProviderSlot, group: &[Routed], answers: &[Answer]) {
    let fault = worst(answers);
    let now = shared.parts.clock.monotonic();
    let (first, others) = group.split_at(group.len().min(1));
    for one in others {
        slot.breaker().abandon(one.ticket);
    }
    for one in first {
        let change = slot
            .breaker()
            .record(one.ticket, fault.map_or(Ok(()), Err), now);
        shared.breaker_changed(slot, change);
    }
}

/// The fault that says most about the provider: bad credentials before a wait it asks for, and that before any other.
fn worst(answers: &[Answer]) -> Option<&Fault> {
    let weight = |fault: &Fault| match fault.kind() {
        FaultKind::Recipient | FaultKind::Request => None,
        FaultKind::Config => Some((2, Duration::ZERO)),
        FaultKind::Provider { retry_after } => {
            retry_after.map_or(Some((0, Duration::ZERO)), |wait| Some((1, wait)))
        }
        FaultKind::Unknown => Some((0, Duration::ZERO)),
    };
    let faults = answers.iter().filter_map(|answer| answer.as_ref().err());
    let weighed = faults.filter_map(|fault| Some((weight(fault)?, fault)));
    weighed
        .max_by_key(|(weight, _)| *weight)
        .map(|(_, fault)| fault)
}

fn finish(shared: &Shared, one: Routed, answers: Vec<Answer>) -> Done {
    let Routed {
        prepared,
        provider,
        providers,
        call,
        ..
    } = one;
    drop(call);
    let mut frozen = prepared.frozen;
    let now = shared.parts.clock.now();
    let made = prepared.work.lease.sends.saturating_add(1);
    let asked = frozen.targets.iter().filter(|target| target.is_open());
    let asked: Vec<u16> = asked.map(|target| target.no).collect();
    let verdict = verdict(
        &mut frozen.targets,
        answers,
        &Circumstances {
            category: &prepared.category,
            channel: &prepared.work.delivery.channel,
            made,
            providers,
            honours_keys: provider.provider.capabilities().honours_key_for().is_some(),
            jitter: shared.parts.entropy.fraction(),
            now,
            pepper: &shared.parts.pepper,
        },
    );
    // Nobody knows of the call that was interrupted before this one.
    let nothing_went_out = verdict.nothing_went_out && !prepared.work.lease.interrupted;
    Done::Settle(Box::new(Finished {
        work: prepared.work,
        outcome: verdict.outcome,
        reason: verdict.reason,
        event: verdict.event,
        attempts: made,
        provider: Some(provider.name().clone()),
        message_id: verdict.message_id,
        messages: messages(shared, &provider, &frozen.targets, &asked),
        fault: verdict.fault,
        frozen: Some(frozen),
        nothing_went_out,
        effects: verdict.effects,
        now,
    }))
}

/// The messages that were taken of the targets that were asked for, if the provider reports what becomes of them.
fn messages(
    shared: &Shared,
    provider: &ProviderSlot,
    targets: &[Target],
    asked: &[u16],
) -> Vec<MessageRef> {
    let able = provider.provider.capabilities();
    if !able.reports() {
        return Vec::new();
    }
    let taken = |target: &Target| match &target.state {
        TargetState::Sent {
            message_id: Some(id),
        } if asked.contains(&target.no) => {
            let address = shared.parts.pepper.address(&target.address);
            let message = MessageRef::new(provider.name().clone(), id.as_str(), address);
            Some(message.with_target(target.no).with_answers(able.answers()))
        }
        _ => None,
    };
    targets.iter().filter_map(taken).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_is_judged_by_its_worst_answer() {
        let wait = Fault::retry_after("429", Duration::from_secs(30));
        let mut answers = vec![
            Ok(Receipt::new()),
            Err(Fault::recipient("5.1.1")),
            Err(Fault::provider("503")),
        ];
        assert_eq!(worst(&answers[..2]), None);
        assert_eq!(worst(&answers), Some(&Fault::provider("503")));
        answers.push(Err(wait.clone()));
        assert_eq!(worst(&answers), Some(&wait));
        answers.insert(0, Err(Fault::config("401")));
        assert_eq!(worst(&answers), Some(&Fault::config("401")));
    }
}
