//! Whether the system works, as data: alive and ready are two things.

use crate::clock::Timestamp;
use crate::id::ProviderName;
use crate::provider::BreakerState;
use crate::queue::LaneDepth;

/// A picture of the system.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Whether a process that asks should be kept running. False only when the store is closed for good.
    pub live: bool,
    /// Whether it can accept now: the store answered.
    pub ready: bool,
    /// What the store's check said.
    pub store: Result<(), String>,
    /// What waits in each lane.
    pub lanes: Vec<LaneDepth>,
    /// Every provider's breaker.
    pub breakers: Vec<(ProviderName, BreakerState)>,
    /// When a worker of this process last asked for work; `None` if none runs here.
    pub last_claim: Option<Timestamp>,
}

impl Health {
    /// A picture without lanes and breakers.
    #[must_use]
    pub const fn new(live: bool, ready: bool, store: Result<(), String>) -> Self {
        Self {
            live,
            ready,
            store,
            lanes: Vec::new(),
            breakers: Vec::new(),
            last_claim: None,
        }
    }
}
