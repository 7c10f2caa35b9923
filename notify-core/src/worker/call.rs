//! The calls themselves: each within its time, none able to take the worker along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

use crate::clock::Timestamp;
use crate::delivery::{
    DeliveryState, Doubt, EventKind, Frozen, MessageRef, Reason, Target, TargetState,
};
use crate::id::ProviderName;
use crate::notification::{OnUnknown, Priority};
use crate::orchestrator::ProviderSlot;
use crate::provider::{Envelope, Fault, FaultKind, Progress, Receipt, Scope};
use crate::queue::Outcome;
use crate::worker::admit::scope;
use crate::worker::contain::{Panicked, contain, contain_call};
use crate::worker::doubt::knows;
use crate::worker::start::Routed;
use crate::worker::verdict::{Circumstances, verdict};
use crate::worker::work::{Done, Finished};
use crate::worker::{Shared, report_panic};

/// How much longer than its own time a call is left to answer.
const GRACE: Duration = Duration::from_secs(1);

/// The most messages of a category that parks unknown outcomes in one call: what one crash can park.
pub(super) const PARK_BATCH: usize = 100;

/// What the deliveries of one call have in common: provider, part of what it reaches, batch key, lane.
type Together = (ProviderName, Option<Scope>, u64, Priority);

/// Begun deliveries, by the calls they make: one each, or several together where the provider takes batches.
pub(crate) fn calls(begun: Vec<Routed>) -> Vec<Vec<Routed>> {
    let mut alone = Vec::new();
    let mut together: BTreeMap<Together, Vec<Routed>> = BTreeMap::new();
    for one in begun {
        let batch = batch(&one).filter(|_| one.prepared.frozen.targets.len() == 1);
        match batch {
            Some(key) => {
                let targets = &one.prepared.frozen.targets;
                let lane = (
                    one.provider.name().clone(),
                    targets
                        .first()
                        .and_then(|target| scope(&one.provider, target)),
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
    observe_health(shared, &slot, &group, &answers).await;
    let mut answers = answers.into_iter();
    for one in group {
        let called = one.admitted.called(&one.prepared.frozen).count();
        let own = one.admitted.answers(answers.by_ref().take(called));
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
    let took = clock.monotonic().since(started);
    metrics::histogram!("notification_provider_seconds", "provider" => slot.name().to_string())
        .record(took.as_secs_f64());
    let by_its_fault = |answer: &Answer| {
        let kind = answer.as_ref().err().map(Fault::kind);
        matches!(kind, Some(FaultKind::Provider { .. } | FaultKind::Unknown))
    };
    slot.pace().note(took, answers.iter().any(by_its_fault));
    answers.resize_with(envelopes.len(), || Err(Fault::unknown("no_answer")));
    answers
}

fn envelopes<'a>(shared: &'a Shared, one: &'a Routed) -> impl Iterator<Item = Envelope> + 'a {
    let delivery = &one.prepared.work.delivery;
    let called = one.admitted.called(&one.prepared.frozen);
    called.map(move |target| {
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

/// Lets the breakers know how the call went: that of a batch once, by its worst answer about the provider.
async fn observe_health(
    shared: &Shared,
    slot: &ProviderSlot,
    group: &[Routed],
    answers: &[Answer],
) {
    let (first, others) = group.split_at(group.len().min(1));
    for one in others {
        one.admitted.abandon();
    }
    for one in first {
        one.admitted.record(shared, slot, answers).await;
    }
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
    settle_doubt(&provider, &mut frozen, &answers, now);
    let asked = frozen.targets.iter().filter(|target| target.is_open());
    let asked: Vec<u16> = asked.map(|target| target.no).collect();
    let knows = knows_again(&provider, &frozen, now);
    let doubted = frozen.doubt.is_some();
    let verdict = verdict(
        &mut frozen.targets,
        answers,
        &Circumstances {
            category: &prepared.category,
            channel: &prepared.work.delivery.channel,
            made,
            providers,
            knows,
            doubted,
            jitter: shared.parts.entropy.fraction(),
            now,
            pepper: &shared.parts.pepper,
        },
    );
    if verdict.unknown {
        frozen.doubt_last_call();
    }
    Done::Settle(Box::new(Finished {
        work: prepared.work,
        outcome: verdict.outcome,
        reason: verdict.reason,
        event: verdict.event,
        attempts: made,
        provider: Some(provider.name().clone()),
        message_id: verdict.message_id,
        price: verdict.price,
        segments: verdict.segments,
        messages: messages(shared, &provider, &frozen.targets, &asked),
        fault: verdict.fault,
        frozen: Some(frozen),
        nothing_went_out: verdict.nothing_went_out,
        effects: verdict.effects,
        now,
    }))
}

/// Whether this provider would take the message of this call for the same, if it is sent again.
fn knows_again(slot: &ProviderSlot, frozen: &Frozen, now: Timestamp) -> bool {
    let called = frozen.called.as_ref();
    let doubt = called.map(|called| Doubt::of(called, frozen.doubt.as_ref()));
    doubt.is_some_and(|doubt| knows(slot, &doubt, now))
}

/// A provider that knows the message says that it takes none like it: then it has none.
fn settle_doubt(slot: &ProviderSlot, frozen: &mut Frozen, answers: &[Answer], now: Timestamp) {
    let refuses = |answer: &Answer| {
        let kind = answer.as_ref().err().map(Fault::kind);
        matches!(kind, Some(FaultKind::Recipient | FaultKind::Request))
    };
    let doubt = frozen.doubt.as_ref();
    let is_known = doubt.is_some_and(|doubt| knows(slot, doubt, now));
    if is_known && frozen.targets.len() == 1 && answers.iter().all(refuses) {
        frozen.doubt = None;
    }
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
