//! A breaker's state as data, for stores and for the next process.

use serde::{Deserialize, Serialize};

use super::{Breaker, BreakerConfig, Phase};
use crate::clock::{Monotonic, Timestamp};
use crate::retry::RetryPolicy;

/// What is worth keeping of a breaker: its state and how often its probes have failed, not its
/// counts. Times are wall-clock times.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// The state's name: `closed`, `open`, `half_open`, `resting`, `config`; one that is not known
    /// is read as `closed`.
    pub state: String,
    /// Until when calls are refused, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Probes that failed in a row.
    #[serde(default)]
    pub relapses: u32,
}

impl BreakerSnapshot {
    /// A snapshot as a store reads it back.
    #[must_use]
    pub fn new(state: impl Into<String>, until: Option<Timestamp>, relapses: u32) -> Self {
        Self {
            state: state.into(),
            until,
            relapses,
        }
    }
}

impl Breaker {
    /// The state as data. `now` and `wall` are the same instant by both clocks.
    #[must_use]
    pub fn snapshot(&self, now: Monotonic, wall: Timestamp) -> BreakerSnapshot {
        let state = self.state();
        let until = state.until().map(|until| wall + until.since(now));
        BreakerSnapshot::new(state.as_str(), until, self.relapses)
    }

    /// A breaker that goes on where `snapshot` was taken. A half-open one begins its probing anew.
    ///
    /// No time is longer than such a breaker could have set itself, whatever the clocks say.
    #[must_use]
    pub fn restore(
        config: BreakerConfig,
        snapshot: &BreakerSnapshot,
        now: Monotonic,
        wall: Timestamp,
    ) -> Self {
        let mut breaker = Self::new(config);
        breaker.relapses = snapshot.relapses;
        let left = snapshot
            .until
            .map(|until| until.since(wall))
            .unwrap_or_default();
        let rest = RetryPolicy::MAX_RETRY_AFTER;
        match snapshot.state.as_str() {
            "config" => {
                breaker.phase = Phase::Config {
                    probe_at: now + left.min(config.config_probe),
                }
            }
            "half_open" => breaker.half_open(now, false),
            "open" => {
                breaker.phase = Phase::Open {
                    until: now + left.min(config.open_max.max(rest)),
                }
            }
            "resting" => {
                breaker.phase = Phase::Resting {
                    until: now + left.min(rest),
                }
            }
            _ => breaker.relapses = 0,
        }
        breaker
    }
}
