//! A breaker's state as data, for stores and for the next process.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::{Breaker, BreakerConfig, Phase};
use crate::clock::{Monotonic, Timestamp};
use crate::provider::BreakerChange;
use crate::retry::RetryPolicy;

/// What is worth keeping of a breaker: its state and how often its probes have failed, not its
/// counts. Times are wall-clock times.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BreakerSnapshot {
    /// The state's name: `closed`, `open`, `half_open`, `resting`, `config`; one that is not known
    /// is read as `closed`.
    pub state: String,
    /// Until when calls are refused, if that is known; of `half_open`, until when one process has the one call that may be made.
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
        let probed = match self.phase {
            Phase::HalfOpen(ramp) if ramp.allowed == 1 && ramp.under_way > 0 => {
                let left = (ramp.last_admitted + self.config.lost_after).since(now);
                Some(wall + left)
            }
            _ => None,
        };
        let until = until.or(probed);
        BreakerSnapshot::new(state.as_str(), until, self.relapses)
    }

    /// A breaker that goes on where `snapshot` was taken. A half-open one begins its probing anew, when nobody else has the call that
    /// may be made.
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
            "half_open" if left.is_zero() => breaker.half_open(now, false),
            // Somebody tries it out: what comes of that is known by then.
            "half_open" => {
                breaker.phase = Phase::Open {
                    until: now + left.min(config.lost_after),
                }
            }
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

    /// Takes over what another process learned. Calls under way no longer count.
    ///
    /// What is well again elsewhere is not trusted at once here: calls begin one at a time.
    pub fn adopt(
        &mut self,
        snapshot: &BreakerSnapshot,
        now: Monotonic,
        wall: Timestamp,
    ) -> Option<BreakerChange> {
        let from = self.state();
        let mut other = Self::restore(self.config, snapshot, now, wall);
        match (other.phase, self.phase) {
            (Phase::Closed | Phase::HalfOpen(_), Phase::Closed | Phase::HalfOpen(_)) => {
                return None;
            }
            (Phase::Closed | Phase::HalfOpen(_), _) => self.half_open(now, false),
            _ => {
                other.generation = self.generation + 1;
                *self = other;
            }
        }
        self.change(from, now)
            .filter(|change| change.from.as_str() != change.to.as_str())
    }
}

impl BreakerSnapshot {
    /// Of a breaker that lets all calls through.
    #[must_use]
    pub fn closed() -> Self {
        Self::new("closed", None, 0)
    }

    /// The permit to try a provider out until then, for one process.
    #[must_use]
    pub fn probe(until: Timestamp, relapses: u32) -> Self {
        Self::new("half_open", Some(until), relapses)
    }

    /// Whether no call may be made as of `now`, but by the process that has the permit.
    #[must_use]
    pub fn refuses(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Whether both say the same, but for a second: two clocks tell the same instant a little differently.
    #[must_use]
    pub fn says(&self, other: &Self) -> bool {
        let apart = |a: Timestamp, b: Timestamp| a.max(b).since(a.min(b));
        let same_time = match (self.until, other.until) {
            (Some(a), Some(b)) => apart(a, b) < Duration::from_secs(1),
            (a, b) => a == b,
        };
        self.state == other.state && self.relapses == other.relapses && same_time
    }

    /// Whether this still holds although another process wrote `other` meanwhile: the longer refusal wins, and trouble wins over
    /// health, because calls that are held back for a while cost less than calls that fail.
    #[must_use]
    pub fn outweighs(&self, other: &Self, now: Timestamp) -> bool {
        match (self.refuses(now), other.refuses(now)) {
            (true, true) => other.state == "half_open" || self.until >= other.until,
            (false, true) => false,
            (true | false, false) => true,
        }
    }
}
