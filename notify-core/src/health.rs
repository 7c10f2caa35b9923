//! Whether the system works, as data: alive and ready are two things.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::ProviderName;
use crate::provider::{BreakerState, Scope};
use crate::queue::LaneDepth;

/// A picture of the system. Made by [`Orchestrator::health`](crate::Orchestrator::health).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// Whether the process should be kept running, as [`Orchestrator::is_live`](crate::Orchestrator::is_live) says.
    pub live: bool,
    /// Whether it can accept now: the store answered a read, and something was committed a short while ago.
    pub ready: bool,
    /// What the store said, if it is not well.
    pub store: Result<(), String>,
    /// What waits in each lane.
    pub lanes: Vec<LaneDepth>,
    /// Every provider's breaker.
    pub breakers: Vec<(ProviderName, BreakerState)>,
    /// The breakers of parts of what providers reach, such as hosts, that are not closed.
    pub scopes: Vec<(ProviderName, Scope, BreakerState)>,
    /// When a worker of this process last asked for work; `None` if none runs here.
    pub last_claim: Option<Timestamp>,
    /// What this process could not serve since it began, and gave back for another one.
    pub unserved: Vec<Unserved>,
}

impl Health {
    /// How long ago something must have been committed for the store to count as one that can be written.
    ///
    /// After that long without a commit [`Orchestrator::health`](crate::Orchestrator::health) writes something small itself. 10 s:
    /// what asks for readiness asks about as often, and a busy system commits all the time.
    pub const PROBE_AFTER: Duration = Duration::from_secs(10);

    /// For how long the workers of a process may ask for no work before the process counts as stuck: 60 s, ten times what a claim
    /// takes at worst.
    pub const STUCK_AFTER: Duration = Duration::from_secs(60);

    /// A picture without lanes and breakers.
    #[must_use]
    pub const fn new(live: bool, ready: bool, store: Result<(), String>) -> Self {
        Self {
            live,
            ready,
            store,
            lanes: Vec::new(),
            breakers: Vec::new(),
            scopes: Vec::new(),
            last_claim: None,
            unserved: Vec::new(),
        }
    }
}

/// Work that a process claimed and could not do. It was given back, and is tried again by whoever claims it next.
///
/// During a rolling deployment that is as it should be. What goes on is work that nobody can do: a category, template or job kind
/// that no running version knows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unserved {
    /// What is missing: `category`, `provider`, `template`, `release` (of templates), `delivery` (its record), or `job kind 7`.
    pub what: String,
    /// How often.
    pub times: u64,
    /// When it last happened.
    pub last_at: Timestamp,
}

impl Unserved {
    /// Something that was missing so many times.
    #[must_use]
    pub const fn new(what: String, times: u64, last_at: Timestamp) -> Self {
        Self {
            what,
            times,
            last_at,
        }
    }
}
