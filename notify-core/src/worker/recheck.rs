//! Before a call: decide again, render.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{Decision, DeliveryState, EventKind, Frozen, Reason, Target, TargetState};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{DeliveryId, Locale};
use crate::message::Message;
use crate::notification::{Category, OnUnknown, Priority, When};
use crate::orchestrator::{ProviderSet, Rendering};
use crate::planner::{Deciding, Rules, Snapshot, decide, needed, safety_time};
use crate::provider::Fault;
use crate::queue::Outcome;
use crate::recipient::Recipient;
use crate::template::{Engine, ReleaseId};
use crate::worker::Shared;
use crate::worker::contain::contain_call;
use crate::worker::doubt::{doubt, knower};
use crate::worker::read::panicked;
use crate::worker::work::{Done, Finished, Work};

/// How soon a waiting step looks again at one before it that is late.
const SHORTLY: Duration = Duration::from_secs(1);

/// One delivery that may be sent: decided and rendered.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) work: Work,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) category: Arc<Category>,
    pub(crate) message: Message,
    pub(crate) frozen: Frozen,
    /// Until when the decision to send it stands.
    pub(crate) valid_until: Option<Timestamp>,
    /// The step that it makes up for, and on what condition.
    pub(crate) before: Option<(DeliveryId, When)>,
}

impl Prepared {
    pub(crate) fn is_critical(&self) -> bool {
        self.work.delivery.priority == Priority::Critical
    }
}

/// Decides one delivery again and renders it, or says what becomes of it instead.
pub(crate) async fn prepare(
    shared: &Shared,
    rules: &Rules,
    providers: &ProviderSet,
    work: Work,
) -> Result<Prepared, Done> {
    let now = shared.parts.clock.now();
    let later = now + shared.options.backoff;
    // Before anything that may leave it to another process: what nobody serves must end too.
    if work.delivery.expires_at.is_some_and(|at| at <= now) {
        return Err(expired(work, now));
    }
    let Some(category) = rules
        .find_category(work.delivery.request.category())
        .map(|category| category.under(work.delivery.class))
    else {
        // A newer version of the application knows it: nothing is dropped during a rolling deployment.
        return Err(unserved(shared, work, later, "category"));
    };
    let Some(snapshot) = work.snapshot.clone() else {
        return Err(work.release(later));
    };
    let (work, before) = still_needed(shared, work, now, later).await?;
    let (engine, frozen_locale) = match engine_of(shared, &work).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = %error, "cannot read templates; trying again later");
            // One that is gone, or damaged, does not come back by itself; anything else may.
            let is_gone = matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Corrupt);
            return Err(if is_gone {
                unserved(shared, work, later, "release")
            } else {
                work.release(later)
            });
        }
    };
    let locale = frozen_locale.unwrap_or_else(|| locale_of(shared, &snapshot));
    let delivery = &work.delivery;
    let renderable =
        shared
            .parts
            .is_renderable(&engine, &delivery.request, &delivery.channel, &locale);
    let deciding = Deciding {
        rules,
        request: &delivery.request,
        category: &category,
        channel: &delivery.channel,
        renderable,
        expires_at: delivery.expires_at,
        waits: false,
        now,
    };
    let verdict = decide(&deciding, &snapshot);
    let valid_until = verdict.valid_until;
    let work = go_on(shared, work, verdict.decision, now, later)?;
    let work = interrupted(providers, &category, work, now)?;
    let frozen = match frozen(&work, rules, &snapshot, &locale, &engine) {
        Some(frozen) => frozen,
        None => return Err(suppressed(work, Reason::AddressSuppressed, now)),
    };
    let message = render(shared, rules, &engine, &work, &snapshot, &frozen, &locale);
    match message {
        Ok(message) => Ok(Prepared {
            work,
            snapshot,
            category,
            message,
            frozen,
            valid_until,
            before,
        }),
        Err(error) => Err(unrendered(work, &error, now)),
    }
}

/// The language of somebody to whom nothing was said yet.
fn locale_of(shared: &Shared, snapshot: &Snapshot) -> Locale {
    let own = snapshot.recipient.as_ref().and_then(Recipient::locale);
    own.unwrap_or(&shared.parts.default_locale).clone()
}

/// Goes on with what is to be sent; says what becomes of everything else.
fn go_on(
    shared: &Shared,
    work: Work,
    decision: Decision,
    now: Timestamp,
    later: Timestamp,
) -> Result<Work, Done> {
    match decision {
        Decision::Send => Ok(work),
        Decision::Suppress {
            reason: Reason::Expired,
        } => Err(expired(work, now)),
        Decision::Suppress {
            reason: Reason::NoProvider,
        } => Err(unserved(shared, work, later, "provider")),
        Decision::Suppress {
            reason: Reason::NoTemplate,
        } => Err(unserved(shared, work, later, "template")),
        Decision::Suppress { reason } => Err(suppressed(work, reason, now)),
        Decision::Hold { until, reason } => Err(held(work, until, reason, now)),
        Decision::Digest { .. } => Err(work.release(later)),
    }
}

fn unserved(shared: &Shared, work: Work, later: Timestamp, what: &'static str) -> Done {
    let now = shared.parts.clock.now();
    shared.parts.unserved.delivery(&work.delivery, what, now);
    work.release(later)
}

pub(crate) fn expired(work: Work, now: Timestamp) -> Done {
    Finished::without_call(
        work,
        Outcome::Finished(DeliveryState::Expired),
        Reason::Expired,
        EventKind::Expired,
        now,
    )
}

pub(crate) fn suppressed(work: Work, reason: Reason, now: Timestamp) -> Done {
    Finished::without_call(
        work,
        Outcome::Finished(DeliveryState::Suppressed),
        reason,
        EventKind::Suppressed,
        now,
    )
}

pub(crate) fn held(work: Work, until: Timestamp, reason: Reason, now: Timestamp) -> Done {
    Finished::without_call(
        work,
        Outcome::Again {
            due: until,
            held: true,
        },
        reason,
        EventKind::Held,
        now,
    )
}

fn unrendered(work: Work, error: &Error, now: Timestamp) -> Done {
    tracing::error!(delivery = %work.delivery.id, error = %error, "the message cannot be rendered");
    let reason = if error.kind() == ErrorKind::Invalid {
        Reason::InvalidMessage
    } else {
        Reason::TemplateFailed
    };
    Finished::without_call(
        work,
        Outcome::Finished(DeliveryState::Failed),
        reason,
        EventKind::Failed,
        now,
    )
}

/// A waiting step whose time came is needed only if the step before did not do. Answers also with that step, if it is still known.
async fn still_needed(
    shared: &Shared,
    work: Work,
    now: Timestamp,
    later: Timestamp,
) -> Result<(Work, Option<(DeliveryId, When)>), Done> {
    let Some((before, when)) = work.delivery.after else {
        return Ok((work, None));
    };
    match shared.parts.deliveries.load(&[before]).await {
        Err(_) => Err(work.release(later)),
        Ok(found) => match found.into_iter().next().flatten() {
            // Its own time has not come, or nothing became of it yet that this one could make up for: it waits as long after that.
            Some(before)
                if before.state == DeliveryState::Held
                    || when == When::Failed && before.state.is_open() =>
            {
                let begins = before.due_at.max(now + SHORTLY);
                let until = safety_time(when, begins, work.delivery.expires_at);
                Err(held(work, until, Reason::WaitsForFallback, now))
            }
            Some(before) if !needed(when, before.state, before.seen_at.is_some()) => {
                Err(Finished::without_call(
                    work,
                    Outcome::Finished(DeliveryState::Cancelled),
                    Reason::NotNeeded,
                    EventKind::Cancelled,
                    now,
                ))
            }
            Some(before) => Ok((work, Some((before.id, when)))),
            None => Ok((work, None)),
        },
    }
}

/// The release that an earlier attempt was rendered with, or the newest.
async fn engine_of(shared: &Shared, work: &Work) -> Result<(Arc<Engine>, Option<Locale>)> {
    let parts = &shared.parts;
    match &work.lease.frozen {
        Some(frozen) => {
            let engine = match frozen.release {
                Some(release) => {
                    parts
                        .cache
                        .release(&work.delivery.tenant, ReleaseId::from_u128(release))
                        .await?
                }
                None => parts.templates(&work.delivery.tenant).await?,
            };
            Ok((engine, frozen.locale.clone()))
        }
        None if work.delivery.request.content().is_some() => {
            Ok((parts.templates(&work.delivery.tenant).await?, None))
        }
        // The first call pins the release: from then on it must be there for whoever takes over.
        None => Ok((parts.cache.pinnable(&work.delivery.tenant).await?, None)),
    }
}

/// A call that its owner did not survive may have gone out: sent again under the same key, or by the category's rule.
fn interrupted(
    providers: &ProviderSet,
    category: &Category,
    work: Work,
    now: Timestamp,
) -> Result<Work, Done> {
    if !work.lease.interrupted || category.when_unknown() == OnUnknown::Resend {
        return Ok(work);
    }
    // To another provider than the one that was called the key would say nothing.
    match doubt(&work.lease) {
        Some(doubt) if knower(providers, &doubt, now).is_some() => Ok(work),
        _ => Err(parked(work, now)),
    }
}

/// Nobody knows whether it went out, and it is not sent again.
pub(crate) fn parked(work: Work, now: Timestamp) -> Done {
    Finished::without_call(
        work,
        Outcome::Finished(DeliveryState::Parked),
        Reason::OutcomeUnknown,
        EventKind::Parked,
        now,
    )
}

/// What an earlier attempt fixed, or what is fixed now: addresses, language, zone and templates.
fn frozen(
    work: &Work,
    rules: &Rules,
    snapshot: &Snapshot,
    locale: &Locale,
    engine: &Engine,
) -> Option<Frozen> {
    if let Some(frozen) = &work.lease.frozen {
        let mut frozen = (**frozen).clone();
        frozen.doubt = doubt(&work.lease);
        return without_suppressed(frozen, work, snapshot);
    }
    let channel = rules.channel(&work.delivery.channel)?;
    let usable = snapshot.usable(channel.as_ref(), work.delivery.class);
    let targets: Vec<Target> = (0..)
        .zip(usable)
        .map(|(no, one)| Target::new(no, one.address.clone()))
        .collect();
    if targets.is_empty() {
        return None;
    }
    let mut frozen = Frozen::new(targets);
    frozen.locale = Some(locale.clone());
    frozen.zone = snapshot
        .recipient
        .as_ref()
        .and_then(Recipient::zone)
        .map(ToOwned::to_owned);
    if work.delivery.request.content().is_none() {
        frozen.release = Some(engine.release().as_u128());
    }
    Some(frozen)
}

/// What an earlier attempt fixed, without the addresses that were suppressed since; `None` if nothing is left to call.
fn without_suppressed(mut frozen: Frozen, work: &Work, snapshot: &Snapshot) -> Option<Frozen> {
    let (channel, class) = (&work.delivery.channel, work.delivery.class);
    for target in frozen.targets.iter_mut().filter(|target| target.is_open()) {
        let mut known = snapshot.addresses_of(channel);
        if known.any(|one| one.address == target.address && !one.is_usable(class)) {
            let fault = Fault::recipient("suppressed");
            target.state = TargetState::Failed { fault };
        }
    }
    frozen.targets.iter().any(Target::is_open).then_some(frozen)
}

fn render(
    shared: &Shared,
    rules: &Rules,
    engine: &Engine,
    work: &Work,
    snapshot: &Snapshot,
    frozen: &Frozen,
    locale: &Locale,
) -> Result<Message> {
    let Some(recipient) = &snapshot.recipient else {
        return Err(Error::new(
            ErrorKind::Unexpected,
            "a delivery without a recipient was to be rendered",
        ));
    };
    let rendering = Rendering::of(&work.delivery, recipient, locale, frozen.zone.as_deref());
    contain_call(|| shared.parts.render(rules, engine, &rendering))
        .unwrap_or_else(|_| Err(panicked("a channel or enricher")))
}
