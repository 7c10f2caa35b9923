//! The calls themselves: each within its time, none able to take the worker along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::id::ProviderName;
use crate::notification::{OnUnknown, Priority};
use crate::orchestrator::ProviderSlot;
use crate::provider::{Envelope, Fault, FaultKind, Progress, Receipt};
use crate::worker::Shared;
use crate::worker::contain::{Panicked, contain};
use crate::worker::start::Routed;
use crate::worker::verdict::{Circumstances, verdict};
use crate::worker::work::{Done, Finished};

/// How much longer than its own time a call is left to answer.
const GRACE: Duration = Duration::from_secs(1);

/// The most messages of a category that parks unknown outcomes in one call: what one crash can park.
const PARK_BATCH: usize = 100;

/// Begun deliveries, by the calls they make: one each, or several together where the provider takes batches.
pub(crate) fn calls(begun: Vec<Routed>) -> Vec<Vec<Routed>> {
    let mut alone = Vec::new();
    let mut together: BTreeMap<(ProviderName, u64, Priority), Vec<Routed>> = BTreeMap::new();
    for one in begun {
        let able = one.provider.provider.capabilities();
        let single = one.prepared.frozen.targets.len() == 1;
        let batch = single
            && able.batch_max() > 1
            && one.prepared.work.delivery.priority != Priority::Critical;
        match one
            .provider
            .provider
            .batch_key(&one.prepared.message)
            .filter(|_| batch)
        {
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
        let able = group
            .first()
            .map_or(1, |one| one.provider.provider.capabilities().batch_max());
        let parks = group
            .iter()
            .any(|one| one.prepared.category.when_unknown() == OnUnknown::Park);
        let max = if parks { able.min(PARK_BATCH) } else { able };
        while group.len() > max {
            let rest = group.split_off(max);
            alone.push(std::mem::replace(&mut group, rest));
        }
        alone.push(group);
    }
    alone
}

/// Makes one call and says what becomes of each delivery in it.
pub(crate) async fn make(shared: &Shared, group: Vec<Routed>) -> Vec<Done> {
    let Some(slot) = group.first().map(|one| Arc::clone(&one.provider)) else {
        return Vec::new();
    };
    let envelopes: Vec<Envelope> = group
        .iter()
        .flat_map(|one| envelopes(shared, one))
        .collect();
    let (clock, started) = (&shared.parts.clock, shared.parts.clock.monotonic());
    let answers = within(shared, &slot, &envelopes).await;
    metrics::histogram!("notification_provider_seconds", "provider" => slot.name().to_string())
        .record(clock.monotonic().since(started).as_secs_f64());
    observe_health(shared, &slot, &group, &answers);
    let mut answers = answers.into_iter();
    let mut done = Vec::with_capacity(group.len());
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
async fn within(
    shared: &Shared,
    slot: &ProviderSlot,
    envelopes: &[Envelope],
) -> Vec<Result<Receipt, Fault>> {
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
fn observe_health(
    shared: &Shared,
    slot: &ProviderSlot,
    group: &[Routed],
    answers: &[Result<Receipt, Fault>],
) {
    let blame = |fault: &&Fault| {
        matches!(
            fault.kind(),
            FaultKind::Provider { .. } | FaultKind::Config | FaultKind::Unknown
        )
    };
    let missing = Fault::unknown("no_answer");
    let fault = answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .find(blame)
        .or((answers.len() < group.len()).then_some(&missing));
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

fn finish(shared: &Shared, one: Routed, answers: Vec<Result<Receipt, Fault>>) -> Done {
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
    Done::Settle(Box::new(Finished {
        work: prepared.work,
        outcome: verdict.outcome,
        reason: verdict.reason,
        event: verdict.event,
        attempts: made,
        provider: Some(provider.name().clone()),
        message_id: verdict.message_id,
        fault: verdict.fault,
        frozen: Some(frozen),
        nothing_went_out: verdict.nothing_went_out,
        effects: verdict.effects,
        now,
    }))
}
