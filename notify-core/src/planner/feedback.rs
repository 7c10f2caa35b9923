//! What a vendor's report means for a delivery: pure.

use crate::clock::Timestamp;
use crate::delivery::{
    Cause, Delivery, DeliveryEvent, DeliveryState, EventKind, Report, reported, transition,
};
use crate::id::ProviderName;
use crate::notification::Category;
use crate::preference::{
    AddressHash, PreferenceChange, Setting, SoftBounces, SuppressionScope, SuppressionSource,
};
use crate::provider::{Bounce, ProviderEvent, ProviderEventKind};
use crate::queue::{Effect, Found, FoundBy};

/// How many entries a timeline has before engagement is counted no more: a link that went round the world is opened for ever.
const MOST_ENTRIES: usize = 1_000;

/// Who reports what is proven by a [token](crate::token): the reader's mail program, browser or application. No webhook can have this
/// name, so that no vendor can speak of what another one was given.
pub const CLIENT: ProviderName = ProviderName::new("client");

/// Everything that the meaning of a report depends on.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct Case<'a> {
    /// What the vendor reports.
    pub event: &'a ProviderEvent,
    /// Whose it is about, by the vendor.
    pub address: Option<AddressHash>,
    /// What it is about.
    pub found: &'a Found,
    /// The delivery as it stands.
    pub delivery: &'a Delivery,
    /// What happened to it so far.
    pub timeline: &'a [DeliveryEvent],
    /// Its category, where this process knows it.
    pub category: Option<&'a Category>,
    /// When soft bounces are too many.
    pub rule: SoftBounces,
    /// Now.
    pub now: Timestamp,
}

/// What a report means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Judgement {
    /// It was told before: nothing more follows.
    Known,
    /// It cannot be said yet: the provider is being called, or will be again, or was never given this delivery.
    Wait,
    /// This follows.
    Apply(Box<Change>),
}

/// What follows from a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// What is written to the timeline.
    pub event: DeliveryEvent,
    /// In which states the delivery may be.
    pub from: Vec<DeliveryState>,
    /// Where it stands from then on, if it moves.
    pub to: Option<DeliveryState>,
    /// When it was seen, if this says so.
    pub seen_at: Option<Timestamp>,
    /// What follows for its address.
    pub effects: Vec<Effect>,
    /// What the person wants from now on, if they said so.
    pub preference: Option<PreferenceChange>,
}

/// What a report means.
///
/// | kind | state | besides |
/// |---|---|---|
/// | accepted, deferred | `Sent`, where it was not known to be | |
/// | delivered | `Delivered` | soft bounces before it are forgiven |
/// | bounced, failed | `Bounced`, when every message of the delivery came back | hard: the address is suppressed; soft: counted |
/// | opened, clicked, acted, replied | | seen at the earliest of their times |
/// | complained | | the address is suppressed for marketing |
/// | unsubscribed | | opted out: of the category; found by the address alone, of the channel |
/// | resubscribed | | that is taken back |
/// | any other | | an entry with the vendor's name |
///
/// A bounce because of a list of the vendor's, or of a block, says nothing about the address. A delivery that is being sent, or is to
/// be sent again, is not moved by what is said of an earlier call: the report waits. But when no answer of any call is known, proof
/// of arrival ends it: it came from the call whose answer was lost.
#[must_use]
pub fn judge(case: &Case<'_>) -> Judgement {
    let event = entry(case);
    if case.timeline.iter().any(|known| is_same(known, &event)) {
        return Judgement::Known;
    }
    if case.timeline.len() >= MOST_ENTRIES && is_talk(event.kind) {
        return Judgement::Known;
    }
    if case.event.provider != CLIENT && !was_given_to(case) {
        return Judgement::Wait;
    }
    let state = case.delivery.state;
    let mut to = None;
    if moves(event.kind) {
        let timeline: Vec<_> = case.timeline.iter().chain([&event]).cloned().collect();
        let stands = reported(&case.found.messages, &timeline);
        to = stands.filter(|to| transition(state, *to, cause(state)));
        let ends_by_proof = to.is_some() && case.found.messages.is_empty();
        if state.is_open() && !ends_by_proof {
            return Judgement::Wait;
        }
    }
    let seen = is_talk(event.kind) && event.kind != EventKind::Reported;
    Judgement::Apply(Box::new(Change {
        from: to.map_or_else(
            || DeliveryState::ALL.to_vec(),
            |to| to.reached_from(&[cause(state)]),
        ),
        to,
        seen_at: seen.then_some(event.at),
        effects: effect(case).into_iter().collect(),
        preference: preference(case),
        event,
    }))
}

/// Whether such a report says where its message is.
const fn moves(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Processing
            | EventKind::Deferred
            | EventKind::Delivered
            | EventKind::Bounced
            | EventKind::Failed
    )
}

/// Whether nothing depends on such a report once there was one.
const fn is_talk(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Opened
            | EventKind::Clicked
            | EventKind::Acted
            | EventKind::Replied
            | EventKind::Reported
    )
}

/// What came back stays so, unless it is another message that did not.
const fn cause(state: DeliveryState) -> Cause {
    match state {
        DeliveryState::Bounced => Cause::OtherMessage,
        _ => Cause::Provider,
    }
}

/// The entry of the timeline. Its time is never before the delivery was accepted, nor in the future: clocks of vendors differ.
fn entry(case: &Case<'_>) -> DeliveryEvent {
    let ProviderEvent {
        kind,
        at,
        provider,
        message_id,
        fault,
        ..
    } = case.event;
    let first = case.delivery.accepted_at;
    let told = (*at).min(case.now).max(first);
    let mut event = DeliveryEvent::new(case.delivery.id, told, event_kind(kind));
    event.provider = Some(provider.clone());
    event.message_id.clone_from(message_id);
    event.fault.clone_from(fault);
    let mut report = Report::new(*at);
    report.event_id.clone_from(&case.event.event_id);
    match kind {
        ProviderEventKind::Bounced { bounce } => report.bounce = Some(*bounce),
        ProviderEventKind::Unknown { name } | ProviderEventKind::Acted { action: name } => {
            report.name = Some(name.chars().take(64).collect());
        }
        _ => {}
    }
    event.report = Some(report);
    event
}

const fn event_kind(kind: &ProviderEventKind) -> EventKind {
    match kind {
        ProviderEventKind::Acted { .. } => EventKind::Acted,
        ProviderEventKind::Accepted => EventKind::Processing,
        ProviderEventKind::Bounced { .. } => EventKind::Bounced,
        ProviderEventKind::Clicked { .. } => EventKind::Clicked,
        ProviderEventKind::Complained => EventKind::Complained,
        ProviderEventKind::Deferred => EventKind::Deferred,
        ProviderEventKind::Delivered => EventKind::Delivered,
        ProviderEventKind::Failed => EventKind::Failed,
        ProviderEventKind::Opened => EventKind::Opened,
        ProviderEventKind::Replied => EventKind::Replied,
        ProviderEventKind::Resubscribed => EventKind::Resubscribed,
        ProviderEventKind::Unknown { .. } => EventKind::Reported,
        ProviderEventKind::Unsubscribed => EventKind::Unsubscribed,
    }
}

/// Whether two entries are the same report: by the vendor's id of the event, or by message, kind and time where it has none.
fn is_same(known: &DeliveryEvent, event: &DeliveryEvent) -> bool {
    let (Some(one), Some(other)) = (&known.report, &event.report) else {
        return false;
    };
    if known.provider != event.provider {
        return false;
    }
    match (&one.event_id, &other.event_id) {
        (Some(one), Some(other)) => one == other,
        (None, None) => {
            let what = |event: &DeliveryEvent| (event.kind, event.message_id.clone());
            what(known) == what(event) && (one.at, &one.name) == (other.at, &other.name)
        }
        _ => false,
    }
}

/// Whether the provider that reports was given this delivery: whoever has an account with one cannot speak of another's.
fn was_given_to(case: &Case<'_>) -> bool {
    let provider = &case.event.provider;
    let own = case.timeline.iter().filter(|event| event.report.is_none());
    case.delivery.provider.as_ref() == Some(provider)
        || own
            .into_iter()
            .any(|event| event.provider.as_ref() == Some(provider))
        || case
            .found
            .messages
            .iter()
            .any(|one| one.provider == *provider)
}

/// The address that the report is about: that of the message, else what the vendor says, else the only one there is.
fn address(case: &Case<'_>) -> Option<AddressHash> {
    let messages = &case.found.messages;
    let own = messages.iter().rev().find(|one| {
        one.provider == case.event.provider
            && case.event.message_id.as_deref() == Some(one.message_id.as_str())
    });
    let only = match &messages[..] {
        [one] => Some(one.address),
        _ => None,
    };
    own.map(|one| one.address).or(case.address).or(only)
}

fn effect(case: &Case<'_>) -> Option<Effect> {
    let (channel, address) = (case.delivery.channel.clone(), address(case)?);
    let at = case.event.at;
    let suppress = |scope, source| Effect::Suppress {
        channel: channel.clone(),
        address,
        scope,
        source,
    };
    match &case.event.kind {
        ProviderEventKind::Bounced { bounce } => match bounce {
            Bounce::Hard => Some(suppress(SuppressionScope::All, SuppressionSource::Bounce)),
            Bounce::Soft => Some(Effect::SoftBounce {
                channel,
                address,
                at,
                rule: case.rule,
            }),
            Bounce::Blocked | Bounce::Suppressed => None,
        },
        ProviderEventKind::Complained => Some(suppress(
            SuppressionScope::Marketing,
            SuppressionSource::Complaint,
        )),
        ProviderEventKind::Delivered => Some(Effect::Arrived {
            channel,
            address,
            at,
        }),
        _ => None,
    }
}

/// What the person said about more messages. What they said later stands, whichever is told first; of two at the same time the one
/// that ends messages.
fn preference(case: &Case<'_>) -> Option<PreferenceChange> {
    if case.event.provider == CLIENT {
        // Whoever took the token has changed what they want before.
        return None;
    }
    let (setting, beaten_by) = match case.event.kind {
        ProviderEventKind::Unsubscribed => (Setting::No, EventKind::Resubscribed),
        ProviderEventKind::Resubscribed => (Setting::Inherit, EventKind::Unsubscribed),
        _ => return None,
    };
    let at = case.event.at;
    let is_later = |event: &&DeliveryEvent| {
        let told = event.report.as_ref().map(|report| report.at);
        let ends = setting == Setting::Inherit && told == Some(at);
        event.kind == beaten_by && (told > Some(at) || ends)
    };
    if case.timeline.iter().any(|event| is_later(&event)) {
        return None;
    }
    let (recipient, channel) = (
        case.delivery.recipient.clone(),
        case.delivery.channel.clone(),
    );
    // Nobody can switch off what is mandatory: what they can is the rest.
    let is_mandatory = case.category.is_some_and(Category::is_mandatory);
    Some(if case.found.by == FoundBy::Address || is_mandatory {
        PreferenceChange::Channel {
            recipient,
            channel,
            setting,
        }
    } else {
        PreferenceChange::Cell {
            recipient,
            category: case.delivery.request.category().clone(),
            channel,
            setting,
        }
    })
}

#[cfg(test)]
mod tests;
