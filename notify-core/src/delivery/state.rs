//! Where a delivery stands, and every way it may move: one pure function.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::delivery::{Target, TargetState};
use crate::error::{Error, Result};

/// Where a delivery stands.
///
/// `Sending` is seen, never stored with the delivery: it lives in the queue row, as the lease does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "every transition must be thought through for each state"
)]
pub enum DeliveryState {
    /// Waits: for a time, a window, a digest, or another step.
    Held,
    /// Waits for a worker.
    Queued,
    /// A provider is being called.
    Sending,
    /// A provider took it.
    Sent,
    /// There is proof that it arrived.
    Delivered,
    /// The provider took it and later gave it back.
    Bounced,
    /// A permanent fault.
    Failed,
    /// The attempts are spent; an operator can requeue it.
    Dead,
    /// It is not known whether it went out, and the category says not to send again; an operator can requeue it.
    Parked,
    /// It was not sent in time.
    Expired,
    /// Taken back before it was sent.
    Cancelled,
    /// Not to be sent; the reason says why.
    Suppressed,
    /// Left as part of a digest.
    Merged,
}

/// What moves a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The worker that holds the lease settles it.
    Worker,
    /// The caller or an operator takes it back, or an effect of another delivery does.
    Cancel,
    /// An event of the provider.
    Provider,
    /// An event of the provider about another message of the same delivery than the one that came back.
    OtherMessage,
    /// An operator sends it again.
    Requeue,
    /// The condition a waiting step waited for came true, or its time came.
    Release,
    /// It leaves in a digest.
    Digest,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 13] = [
        Self::Held,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Bounced,
        Self::Failed,
        Self::Dead,
        Self::Parked,
        Self::Expired,
        Self::Cancelled,
        Self::Suppressed,
        Self::Merged,
    ];

    /// The name in tables, metrics and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Bounced => "bounced",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Parked => "parked",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Suppressed => "suppressed",
            Self::Merged => "merged",
        }
    }

    /// The number that stores keep; never changes its meaning.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Held => 1,
            Self::Queued => 2,
            Self::Sending => 3,
            Self::Sent => 4,
            Self::Delivered => 5,
            Self::Bounced => 6,
            Self::Failed => 7,
            Self::Dead => 8,
            Self::Parked => 9,
            Self::Expired => 10,
            Self::Cancelled => 11,
            Self::Suppressed => 12,
            Self::Merged => 13,
        }
    }

    /// The state with this [`code`](Self::code).
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether there is still something to do before a provider has it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Queued | Self::Sending)
    }

    /// Whether it can be listed, requeued and purged as a dead letter.
    #[must_use]
    pub const fn is_dead_letter(self) -> bool {
        matches!(self, Self::Dead | Self::Parked)
    }

    /// Whether nobody was told and nobody will be: what a fallback waits for.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(
            self,
            Self::Failed | Self::Dead | Self::Bounced | Self::Suppressed | Self::Expired
        )
    }

    /// The states from which a delivery may move to this one for one of these causes: what stores compare in their commit.
    ///
    /// ```
    /// use notify_core::delivery::{Cause, DeliveryState as S};
    ///
    /// let from = S::Delivered.reached_from(&[Cause::Provider]);
    /// assert!(from.contains(&S::Parked) && !from.contains(&S::Bounced));
    /// ```
    #[must_use]
    pub fn reached_from(self, causes: &[Cause]) -> Vec<Self> {
        let is_legal = |from: &Self| causes.iter().any(|cause| transition(*from, self, *cause));
        Self::ALL.into_iter().filter(is_legal).collect()
    }

    /// How much is known: a provider's event never moves a delivery to a lower rank.
    const fn rank(self) -> u8 {
        match self {
            Self::Held | Self::Queued => 0,
            Self::Sending => 1,
            Self::Dead | Self::Parked => 2,
            Self::Sent => 3,
            Self::Delivered => 4,
            Self::Bounced => 5,
            Self::Failed | Self::Expired | Self::Cancelled | Self::Suppressed | Self::Merged => 6,
        }
    }
}

impl fmt::Display for DeliveryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| Error::invalid("state", "is not a delivery state"))
    }
}

/// Whether a delivery may move `from` one state `to` another for this cause. Everything else is refused.
///
/// ```
/// use notify_core::delivery::{Cause, DeliveryState as S, transition};
///
/// assert!(transition(S::Sending, S::Sent, Cause::Worker));
/// assert!(!transition(S::Sent, S::Cancelled, Cause::Cancel), "too late");
/// assert!(transition(S::Parked, S::Delivered, Cause::Provider), "the event proves it went out");
/// ```
#[must_use]
pub const fn transition(from: DeliveryState, to: DeliveryState, cause: Cause) -> bool {
    use DeliveryState as S;
    match cause {
        // A lease is held on what is queued or held; settling may end it or put it back.
        Cause::Worker => {
            matches!(from, S::Queued | S::Sending | S::Held)
                && !matches!(to, S::Sending | S::Delivered | S::Bounced | S::Merged)
                || matches!((from, to), (S::Queued | S::Held, S::Sending))
        }
        Cause::Cancel => {
            matches!(from, S::Held | S::Queued)
                && matches!(to, S::Cancelled | S::Suppressed | S::Expired)
                || from.is_dead_letter() && matches!(to, S::Cancelled)
        }
        // While a call is under way, or is still to be made, what is said of an earlier one ends nothing; but proof that it
        // arrived makes another call needless.
        Cause::Provider if from.is_open() => {
            matches!((from, to), (S::Held | S::Queued, S::Delivered))
        }
        Cause::Provider => {
            matches!(to, S::Sent | S::Delivered | S::Bounced) && from.rank() < to.rank()
        }
        Cause::OtherMessage => {
            matches!((from, to), (S::Bounced, S::Sent | S::Delivered))
        }
        Cause::Requeue => from.is_dead_letter() && matches!(to, S::Queued),
        Cause::Release => matches!((from, to), (S::Held, S::Queued)),
        Cause::Digest => matches!((from, to), (S::Held, S::Merged)),
    }
}

/// The state of a delivery from the states of its targets; `None` while one is open.
///
/// One device that was reached is enough to have told the person.
#[must_use]
pub fn aggregate(targets: &[Target]) -> Option<DeliveryState> {
    let any = |wanted: fn(&TargetState) -> bool| targets.iter().any(|target| wanted(&target.state));
    if any(|state| matches!(state, TargetState::Open)) {
        None
    } else if any(|state| matches!(state, TargetState::Sent { .. })) {
        Some(DeliveryState::Sent)
    } else if any(|state| matches!(state, TargetState::Unknown)) {
        Some(DeliveryState::Parked)
    } else {
        Some(DeliveryState::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_read_back() {
        for state in DeliveryState::ALL {
            assert_eq!(DeliveryState::from_code(state.code()), Some(state));
            assert_eq!(state.as_str().parse::<DeliveryState>().ok(), Some(state));
        }
        assert_eq!(DeliveryState::from_code(99), None);
    }

    #[test]
    fn what_has_ended_moves_only_by_a_providers_event_or_an_operator() {
        for from in DeliveryState::ALL
            .into_iter()
            .filter(|state| !state.is_open())
        {
            for to in DeliveryState::ALL {
                assert!(!transition(from, to, Cause::Worker), "{from} -> {to}");
                assert!(!transition(from, to, Cause::Release), "{from} -> {to}");
                if transition(from, to, Cause::Cancel) {
                    assert!(from.is_dead_letter());
                }
            }
        }
    }

    #[test]
    fn any_order_of_provider_events_ends_in_the_same_state() {
        use DeliveryState::{Bounced, Delivered, Sent};
        let orders = [
            [Sent, Delivered, Bounced],
            [Sent, Bounced, Delivered],
            [Delivered, Sent, Bounced],
            [Delivered, Bounced, Sent],
            [Bounced, Sent, Delivered],
            [Bounced, Delivered, Sent],
        ];
        for order in orders {
            let end = order
                .into_iter()
                .fold(DeliveryState::Parked, |state, event| {
                    if transition(state, event, Cause::Provider) {
                        event
                    } else {
                        state
                    }
                });
            assert_eq!(end, Bounced, "{order:?}");
        }
    }

    #[test]
    fn what_is_said_of_an_earlier_call_ends_no_later_one() {
        use DeliveryState::{Bounced, Delivered, Held, Queued, Sending, Sent};
        for to in [Sent, Bounced] {
            for from in [Held, Queued, Sending] {
                assert!(!transition(from, to, Cause::Provider), "{from} -> {to}");
            }
        }
        assert!(
            !transition(Sending, Delivered, Cause::Provider),
            "it waits for the answer"
        );
        assert!(
            transition(Queued, Delivered, Cause::Provider),
            "no second call is needed"
        );
    }

    #[test]
    fn cancel_comes_too_late_for_what_is_being_sent() {
        assert!(!transition(
            DeliveryState::Sending,
            DeliveryState::Cancelled,
            Cause::Cancel
        ));
        assert!(transition(
            DeliveryState::Queued,
            DeliveryState::Cancelled,
            Cause::Cancel
        ));
    }
}
