//! What a worker asks for, and how much there is.

use std::time::Duration;

use crate::clock::{Monotonic, Timestamp};
use crate::id::{ChannelId, OwnerId};
use crate::notification::Priority;

/// How many jobs of one lane a worker can take now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an input that workers build")]
pub struct LaneClaim {
    /// The lane's priority.
    pub priority: Priority,
    /// The lane's channel.
    pub channel: ChannelId,
    /// How many.
    pub limit: u32,
}

/// A request for jobs.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "an input that workers build")]
pub struct Claim {
    /// Who asks.
    pub owner: OwnerId,
    /// Of which lanes, and how many of each.
    pub lanes: Vec<LaneClaim>,
    /// The time by the store's clock.
    pub now: Timestamp,
    /// The time by this process's clock, read before asking: what [`Lease::until`](crate::queue::Lease::until) is counted from.
    pub asked_at: Monotonic,
    /// For how long.
    pub ttl: Duration,
}

/// How much waits in one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneDepth {
    /// The lane's priority.
    pub priority: Priority,
    /// The lane's channel.
    pub channel: ChannelId,
    /// Due and not lent.
    pub ready: u64,
    /// Due later.
    pub waiting: u64,
    /// Lent or being sent.
    pub in_flight: u64,
    /// Jobs other than deliveries that killed their owners, and are not lent again: kept for somebody who finds out why.
    pub poison: u64,
    /// When the oldest that is ready became due.
    pub oldest_due: Option<Timestamp>,
}

impl LaneDepth {
    /// An empty lane.
    #[must_use]
    pub const fn new(priority: Priority, channel: ChannelId) -> Self {
        Self {
            priority,
            channel,
            ready: 0,
            waiting: 0,
            in_flight: 0,
            poison: 0,
            oldest_due: None,
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ready + self.waiting + self.in_flight + self.poison == 0
    }
}
