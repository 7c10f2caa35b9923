//! What vendors reported about the messages of a delivery, and where it stands by that: one pure function.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryEvent, DeliveryState, EventKind};
use crate::id::ProviderName;
use crate::preference::AddressHash;
use crate::provider::Bounce;

/// What belongs to an entry of the timeline that a vendor reported.
///
/// ```
/// use notify_core::Timestamp;
/// use notify_core::delivery::Report;
///
/// let report = Report::new(Timestamp::EPOCH).with_event_id("evt-7");
/// assert_eq!(report.event_id.as_deref(), Some("evt-7"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Report {
    /// When, by the vendor's clock. The entry itself is never before the delivery was accepted, nor in the future.
    pub at: Timestamp,
    /// The vendor's id of the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The vendor's name of a kind that has none here, or which button was pressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it came back, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounce: Option<Bounce>,
}

impl Report {
    /// Reported for this time.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self {
            at,
            event_id: None,
            name: None,
            bounce: None,
        }
    }

    /// Under this id of the vendor's.
    #[must_use]
    pub fn with_event_id(mut self, id: impl Into<String>) -> Self {
        self.event_id = Some(id.into());
        self
    }
}

/// One message that a provider took, as the provider calls it: by this its reports find their delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageRef {
    /// Who took it.
    pub provider: ProviderName,
    /// The provider's id of it.
    pub message_id: String,
    /// Which target of the delivery.
    pub target: u16,
    /// Where it went.
    pub address: AddressHash,
    /// Whether the provider passes on what readers answer, which names the address and no message.
    pub answers: bool,
}

impl MessageRef {
    /// A message to the first target, whose provider passes no answers on.
    #[must_use]
    pub fn new(
        provider: ProviderName,
        message_id: impl Into<String>,
        address: AddressHash,
    ) -> Self {
        Self {
            provider,
            message_id: message_id.into(),
            target: 0,
            address,
            answers: false,
        }
    }

    /// To the target with this number.
    #[must_use]
    pub const fn with_target(mut self, target: u16) -> Self {
        self.target = target;
        self
    }

    /// By a provider that passes on what readers answer.
    #[must_use]
    pub const fn with_answers(mut self, answers: bool) -> Self {
        self.answers = answers;
        self
    }
}

/// How far one message has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Come {
    /// A provider has it.
    #[default]
    Taken,
    /// It arrived.
    Arrived,
    /// It came back, whatever was said before.
    Back,
}

/// Where a delivery stands by what was reported about its messages; `None` if nothing was that says so.
///
/// A message that came back stays so. One message that arrived is enough to have told the person; the delivery came back when all
/// of its messages did. What counts is which reports there are, not in which order they came, nor how often.
///
/// `taken` are the messages that providers are known to have taken; a report may be about another one, of a call whose answer was
/// lost.
///
/// ```
/// use notify_core::delivery::{DeliveryEvent, DeliveryState, EventKind, Report, reported};
/// use notify_core::{DeliveryId, Timestamp};
///
/// let event = |kind| {
///     let mut event = DeliveryEvent::new(DeliveryId::from_u128(1), Timestamp::EPOCH, kind);
///     event.message_id = Some("m-1".to_owned());
///     event.report = Some(Report::new(Timestamp::EPOCH));
///     event
/// };
/// let (back, there) = (event(EventKind::Bounced), event(EventKind::Delivered));
/// assert_eq!(reported(&[], &[there.clone(), back.clone()]), Some(DeliveryState::Bounced));
/// assert_eq!(reported(&[], &[back, there]), Some(DeliveryState::Bounced));
/// ```
#[must_use]
pub fn reported(taken: &[MessageRef], timeline: &[DeliveryEvent]) -> Option<DeliveryState> {
    let mut messages: BTreeMap<(&str, &str), Come> = BTreeMap::new();
    for message in taken {
        let key = (message.provider.as_str(), message.message_id.as_str());
        messages.insert(key, Come::Taken);
    }
    let (mut any, mut arrived) = (false, false);
    for event in timeline.iter().filter(|event| event.report.is_some()) {
        let come = match event.kind {
            EventKind::Processing | EventKind::Deferred => Come::Taken,
            EventKind::Delivered => Come::Arrived,
            EventKind::Bounced | EventKind::Failed => Come::Back,
            _ => continue,
        };
        any = true;
        arrived |= come == Come::Arrived;
        let entry = messages.entry(named(event, taken)).or_default();
        *entry = come.max(*entry);
    }
    if !any {
        return None;
    }
    Some(if messages.values().all(|come| *come == Come::Back) {
        DeliveryState::Bounced
    } else if arrived {
        DeliveryState::Delivered
    } else {
        DeliveryState::Sent
    })
}

/// Which message an event is about. Where it does not say: the last one that was taken.
fn named<'a>(event: &'a DeliveryEvent, taken: &'a [MessageRef]) -> (&'a str, &'a str) {
    let provider = event.provider.as_ref().map_or("", |name| name.as_str());
    let last = || {
        let mut own = taken.iter().rev();
        own.find(|message| message.provider.as_str() == provider)
            .map(|message| message.message_id.as_str())
    };
    let message = event.message_id.as_deref().or_else(last);
    (provider, message.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Cause, transition};
    use crate::id::DeliveryId;

    const P: ProviderName = ProviderName::new("p");

    fn taken(ids: &[&str]) -> Vec<MessageRef> {
        let hash = AddressHash::from_bytes([0; 32]);
        ids.iter().map(|id| MessageRef::new(P, *id, hash)).collect()
    }

    fn report(kind: EventKind, message: &str) -> DeliveryEvent {
        let mut event = DeliveryEvent::new(DeliveryId::from_u128(1), Timestamp::EPOCH, kind);
        event.provider = Some(P);
        event.message_id = Some(message.to_owned());
        event.report = Some(Report::new(Timestamp::EPOCH));
        event
    }

    /// Every order of these.
    fn orders<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
        if all.is_empty() {
            return vec![Vec::new()];
        }
        let mut found = Vec::new();
        for no in 0..all.len() {
            let mut rest = all.to_vec();
            let first = rest.remove(no);
            for mut order in orders(&rest) {
                order.insert(0, first.clone());
                found.push(order);
            }
        }
        found
    }

    /// Where the delivery ends when the reports come one by one.
    fn end(
        mut state: DeliveryState,
        taken: &[MessageRef],
        order: &[DeliveryEvent],
    ) -> DeliveryState {
        for no in 1..=order.len() {
            if let Some(to) = reported(taken, &order[..no])
                && (transition(state, to, Cause::Provider)
                    || transition(state, to, Cause::OtherMessage))
            {
                state = to;
            }
        }
        state
    }

    #[test]
    fn any_order_and_repetition_of_reports_ends_in_the_same_state() {
        use EventKind::{Bounced, Deferred, Delivered, Failed, Opened, Processing};
        let kinds = [Processing, Deferred, Delivered, Bounced, Failed, Opened];
        let mut cases = 0;
        for first in kinds {
            for second in kinds {
                for third in kinds {
                    for known in [&[][..], &["a"], &["a", "b"], &["a", "b", "c"]] {
                        for start in [
                            DeliveryState::Sent,
                            DeliveryState::Dead,
                            DeliveryState::Parked,
                        ] {
                            let events =
                                [report(first, "a"), report(second, "b"), report(third, "a")];
                            let known = taken(known);
                            let mut ends: Vec<_> = orders(&events)
                                .into_iter()
                                .map(|mut order| {
                                    order.push(order[0].clone());
                                    end(start, &known, &order)
                                })
                                .collect();
                            ends.dedup();
                            assert_eq!(ends.len(), 1, "{first} {second} {third} {start}: {ends:?}");
                            cases += 1;
                        }
                    }
                }
            }
        }
        assert_eq!(cases, 6 * 6 * 6 * 4 * 3);
    }

    #[test]
    fn one_device_that_was_reached_is_enough_and_all_must_come_back() {
        let both = taken(&["a", "b"]);
        let back = |id| report(EventKind::Bounced, id);
        assert_eq!(reported(&both, &[back("a")]), Some(DeliveryState::Sent));
        assert_eq!(
            reported(&both, &[back("a"), back("b")]),
            Some(DeliveryState::Bounced)
        );
        let there = report(EventKind::Delivered, "b");
        assert_eq!(
            reported(&both, &[back("a"), there]),
            Some(DeliveryState::Delivered)
        );
    }

    #[test]
    fn the_systems_own_entries_and_engagement_say_nothing() {
        let mut own = report(EventKind::Failed, "a");
        own.report = None;
        let opened = report(EventKind::Opened, "a");
        assert_eq!(reported(&taken(&["a"]), &[own, opened]), None);
    }

    #[test]
    fn a_report_without_a_message_is_about_the_last_one() {
        let mut back = report(EventKind::Bounced, "a");
        back.message_id = None;
        assert_eq!(
            reported(&taken(&["a"]), &[back.clone()]),
            Some(DeliveryState::Bounced)
        );
        assert_eq!(
            reported(&taken(&["a", "b"]), &[back]),
            Some(DeliveryState::Sent)
        );
    }
}
