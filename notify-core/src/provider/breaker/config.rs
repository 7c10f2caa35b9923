//! When a breaker opens, and how long.

use std::time::Duration;

/// When a breaker opens, how long it stays open, and how it lets a provider recover.
///
/// | | default | why |
/// |---|---|---|
/// | window | 10 s | longer than a time-out, short enough to notice within one |
/// | calls in it at least | 20 | fewer say nothing about a rate |
/// | of which faults | 50 % | a brown-out of 30 % is left to failover and the retry budget |
/// | silences in a row | 5 | each ties up a slot for its whole time-out |
/// | open | 30 s, doubled by each failed probe up to 5 min | spares both sides, heals within minutes |
/// | probe in `config` | each 5 min | a mend at the vendor's side heals by itself, without an alarm there |
/// | ramp | to 16 calls at a time | from there the window protects |
/// | lost | 1 min | longer than any call may take |
///
/// A provider that answers with faults only is noticed by 20 of them in a row, however slowly they
/// come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerConfig {
    pub(super) window: Duration,
    pub(super) min_calls: u32,
    pub(super) percent: u32,
    pub(super) silences: u32,
    pub(super) open: Duration,
    pub(super) open_max: Duration,
    pub(super) config_probe: Duration,
    pub(super) ramp: u32,
    pub(super) lost_after: Duration,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            min_calls: 20,
            percent: 50,
            silences: 5,
            open: Duration::from_secs(30),
            open_max: Duration::from_secs(300),
            config_probe: Duration::from_secs(300),
            ramp: 16,
            lost_after: Duration::from_secs(60),
        }
    }
}

impl BreakerConfig {
    /// Opens at `percent` faults (1 to 100) among at least `min_calls` (at least one) in `window`.
    #[must_use]
    pub const fn with_threshold(mut self, percent: u32, min_calls: u32, window: Duration) -> Self {
        self.percent = if percent == 0 {
            1
        } else if percent > 100 {
            100
        } else {
            percent
        };
        self.min_calls = at_least_one(min_calls);
        self.window = window;
        self
    }

    /// Opens at this many time-outs or unknown outcomes in a row (at least one).
    #[must_use]
    pub const fn with_silences(mut self, in_a_row: u32) -> Self {
        self.silences = at_least_one(in_a_row);
        self
    }

    /// Open for `first`, doubled by each failed probe up to `longest`.
    #[must_use]
    pub const fn with_open(mut self, first: Duration, longest: Duration) -> Self {
        self.open = first;
        self.open_max = longest;
        self
    }

    /// How often one call is tried while the configuration is at fault.
    #[must_use]
    pub const fn with_config_probe(mut self, every: Duration) -> Self {
        self.config_probe = every;
        self
    }

    /// Closes when this many calls at a time have been reached, doubling each round trip; 1 or 2
    /// close it at the first success.
    #[must_use]
    pub const fn with_ramp(mut self, calls: u32) -> Self {
        self.ramp = at_least_one(calls);
        self
    }

    /// After how long a probe without a result counts as lost.
    #[must_use]
    pub const fn with_lost_after(mut self, wait: Duration) -> Self {
        self.lost_after = wait;
        self
    }
}

const fn at_least_one(n: u32) -> u32 {
    if n == 0 { 1 } else { n }
}
