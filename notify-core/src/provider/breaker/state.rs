//! What a breaker says: its states, its answers, its changes.

use crate::clock::Monotonic;

/// What stands between a provider and its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "health and metrics show each of them"
)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Credentials or account do not work: refused until mended, but for one probe now and then.
    Config {
        /// When the next probe may go.
        probe_at: Monotonic,
    },
    /// It is being tried out.
    HalfOpen,
    /// It failed too often.
    Open {
        /// Until when no call is made.
        until: Monotonic,
    },
    /// It asked to be left alone.
    Resting {
        /// Until when.
        until: Monotonic,
    },
}

/// Permission for one call, to be given back with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub(super) u64);

/// Whether a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth answer")]
pub enum Admission {
    /// Make it.
    Go(Ticket),
    /// Make it, alone: no batch, and rather a message that may be sent twice.
    Probe(Ticket),
    /// Do not.
    Refuse {
        /// When to ask again; `None` when the calls that are under way have been answered.
        until: Option<Monotonic>,
    },
}

/// A change of state, for the caller to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerChange {
    /// Before.
    pub from: BreakerState,
    /// After.
    pub to: BreakerState,
    /// When.
    pub at: Monotonic,
}

impl BreakerState {
    /// Until when calls are refused, if that is known.
    #[must_use]
    pub const fn until(self) -> Option<Monotonic> {
        match self {
            Self::Closed | Self::HalfOpen => None,
            Self::Config { probe_at: until } | Self::Open { until } | Self::Resting { until } => {
                Some(until)
            }
        }
    }

    /// The name in tables, metrics and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Config { .. } => "config",
            Self::HalfOpen => "half_open",
            Self::Open { .. } => "open",
            Self::Resting { .. } => "resting",
        }
    }

    /// Whether calls go through.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        matches!(self, Self::Closed)
    }

    /// Whether the provider counts as down: open, or its configuration at fault. Resting and
    /// half-open do not.
    #[must_use]
    pub const fn is_down(self) -> bool {
        matches!(self, Self::Config { .. } | Self::Open { .. })
    }
}
