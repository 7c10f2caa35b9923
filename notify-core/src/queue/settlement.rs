//! What is written about a job on loan: that it begins, what became of it, that it is given back.

use crate::clock::Timestamp;
use crate::delivery::{DeliveryState, EventKind, Frozen, MessageRef, Reason};
use crate::id::{ChannelId, DeliveryId, ProviderName};
use crate::preference::{AddressHash, SoftBounces, SuppressionScope, SuppressionSource};
use crate::provider::{Fault, Price};
use crate::queue::{Lease, Premise};

/// Makes one delivery `Sending`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an input that workers build")]
pub struct Start<'a> {
    /// The loan.
    pub lease: &'a Lease,
    /// Who is called.
    pub provider: &'a ProviderName,
    /// What is fixed from now on.
    pub frozen: &'a Frozen,
    /// What must be true at the commit.
    pub premises: &'a [Premise],
    /// Now.
    pub now: Timestamp,
}

/// Whether a provider may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Begun {
    /// Yes.
    Go,
    /// No: the loan is lost. Do nothing more.
    Fenced,
    /// No: this is not true any more. The loan still holds.
    Refused {
        /// What.
        premise: Premise,
        /// When it may be true again: for a cap, when there is room. `None` if waiting does not help.
        retry_at: Option<Timestamp>,
    },
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It stands here; nothing is left to do.
    Finished(DeliveryState),
    /// It is due again then: `Held` if there is something it waits for, else `Queued`.
    Again {
        /// When.
        due: Timestamp,
        /// Whether it waits for something other than a retry.
        held: bool,
    },
}

/// What follows for others in the same commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// A waiting step is due then. Raises its epoch.
    Release {
        /// Which.
        delivery: DeliveryId,
        /// When.
        due: Timestamp,
    },
    /// A waiting step is not needed. Whoever has it is fenced.
    Cancel {
        /// Which.
        delivery: DeliveryId,
        /// Why.
        reason: Reason,
    },
    /// An address must not be used any more.
    Suppress {
        /// On which channel.
        channel: ChannelId,
        /// Which.
        address: AddressHash,
        /// For what.
        scope: SuppressionScope,
        /// Why.
        source: SuppressionSource,
    },
    /// An address bounced softly: counted, and suppressed for anything when the rule says so.
    SoftBounce {
        /// On which channel.
        channel: ChannelId,
        /// Which.
        address: AddressHash,
        /// When, by the vendor's clock.
        at: Timestamp,
        /// When it is too much.
        rule: SoftBounces,
    },
    /// A message arrived at an address: earlier soft bounces count no more.
    Arrived {
        /// On which channel.
        channel: ChannelId,
        /// Which.
        address: AddressHash,
        /// When, by the vendor's clock.
        at: Timestamp,
    },
}

/// What became of one job on loan.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an input that workers build")]
pub struct Settlement<'a> {
    /// The loan.
    pub lease: &'a Lease,
    /// What becomes of the delivery.
    pub outcome: Outcome,
    /// Why.
    pub reason: Option<Reason>,
    /// What is written to the timeline.
    pub event: EventKind,
    /// How many calls were made in all.
    pub attempts: u32,
    /// Who was called.
    pub provider: Option<&'a ProviderName>,
    /// The provider's id of the message.
    pub message_id: Option<&'a str>,
    /// What the call costs, as the provider says.
    pub price: Option<Price>,
    /// Into how many parts the provider cut what it took.
    pub segments: Option<u16>,
    /// The messages that were taken in this call, of a provider that [reports](crate::provider::Capabilities::reports) what becomes
    /// of them; empty for others.
    pub messages: &'a [MessageRef],
    /// The provider's failure.
    pub fault: Option<&'a Fault>,
    /// The targets as they are now, where there was a call.
    pub frozen: Option<&'a Frozen>,
    /// Whether it is certain that nothing went out in the last call: caps give the delivery back.
    pub nothing_went_out: bool,
    /// What follows for others.
    pub effects: &'a [Effect],
    /// Now.
    pub now: Timestamp,
}

impl<'a> Settlement<'a> {
    /// An end without a call.
    #[must_use]
    pub const fn new(lease: &'a Lease, outcome: Outcome, event: EventKind, now: Timestamp) -> Self {
        Self {
            lease,
            outcome,
            reason: None,
            event,
            attempts: lease.sends,
            provider: None,
            message_id: None,
            price: None,
            segments: None,
            messages: &[],
            fault: None,
            frozen: None,
            nothing_went_out: false,
            effects: &[],
            now,
        }
    }
}

/// Whether a write about a job on loan took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Settled {
    /// Yes, now or before.
    Applied,
    /// No: the loan is lost. Do nothing more.
    Fenced,
}

/// Gives one job back that was not started.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an input that workers build")]
pub struct Release<'a> {
    /// The loan.
    pub lease: &'a Lease,
    /// When it is due again.
    pub due: Timestamp,
}
