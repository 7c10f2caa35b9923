//! Keeps calls away from a provider that fails, and lets it recover slowly.

mod config;
mod snapshot;
mod state;
mod window;

pub use config::BreakerConfig;
pub use snapshot::BreakerSnapshot;
pub use state::{Admission, BreakerChange, BreakerState, Ticket};

use std::time::Duration;

use self::window::Window;
use crate::clock::Monotonic;
use crate::provider::{Fault, FaultKind};
use crate::retry::RetryPolicy;

/// Decides whether a provider may be called now: one for each provider in each process.
///
/// A state machine without clock, lock or I/O: the caller holds it in a mutex, asks
/// [`admit`](Self::admit) before a call and tells [`record`](Self::record) how it ended, or
/// [`abandon`](Self::abandon) if it was not made.
///
/// | state | calls | left when |
/// |---|---|---|
/// | closed | all | too many faults → open; Retry-After → resting; configuration fault → config |
/// | resting | none | the time that the provider asked for is over → half-open |
/// | open | none | its time is over → half-open |
/// | config | one each 5 min | it is [mended](Self::mend), or the one is taken → half-open |
/// | half-open | one; then each success lets one more at a time: 1, 2, 4, … each round trip | 16 at a time → closed; first fault → open |
///
/// Only what speaks against the provider counts: `Provider` faults and `Unknown` outcomes.
/// `Recipient` and `Request` faults are answers, and count as successes. Resting is not failing:
/// a provider that asks for patience is spared without being counted as down, until it has asked
/// as often in a row as failures open it.
///
/// ```
/// use notify_core::clock::Monotonic;
/// use notify_core::provider::{Admission, Breaker, BreakerConfig, BreakerState, Fault};
///
/// let (mut breaker, now) = (Breaker::new(BreakerConfig::default()), Monotonic::default());
/// for _ in 0..5 {
///     let (Admission::Go(ticket), _) = breaker.admit(now) else { panic!("it is closed") };
///     breaker.record(ticket, Err(&Fault::unknown("timeout")), now);
/// }
/// assert!(matches!(breaker.state(), BreakerState::Open { .. }));
/// assert!(matches!(breaker.admit(now), (Admission::Refuse { until: Some(_) }, None)));
/// ```
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    phase: Phase,
    window: Window,
    /// Time-outs and unknown outcomes in a row, and rests in a row.
    silences: u32,
    /// Probes that failed in a row: the exponent of the time it is open.
    relapses: u32,
    /// Grows whenever calls are refused, so that results of earlier calls are told apart.
    generation: u64,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed,
    Config { probe_at: Monotonic },
    HalfOpen(Ramp),
    Open { until: Monotonic },
    Resting { until: Monotonic },
}

#[derive(Clone, Copy, Debug)]
struct Ramp {
    /// How many calls may be under way at a time.
    allowed: u32,
    under_way: u32,
    last_admitted: Monotonic,
    /// It is about credentials: what is not a configuration fault does not open it.
    config: bool,
}

impl Breaker {
    /// A closed breaker.
    #[must_use]
    pub const fn new(config: BreakerConfig) -> Self {
        Self {
            config,
            phase: Phase::Closed,
            window: Window::new(),
            silences: 0,
            relapses: 0,
            generation: 0,
        }
    }

    /// What stands between the provider and its calls, as of the last call of any method.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Config { probe_at } => BreakerState::Config { probe_at },
            Phase::HalfOpen(_) => BreakerState::HalfOpen,
            Phase::Open { until } => BreakerState::Open { until },
            Phase::Resting { until } => BreakerState::Resting { until },
        }
    }

    /// Whether [`admit`](Self::admit) would let a call go, without letting it: for claiming work.
    #[must_use]
    pub fn would_admit(&self, now: Monotonic) -> bool {
        !matches!(self.clone().admit(now).0, Admission::Refuse { .. })
    }

    /// Whether the next [`admit`](Self::admit) would begin to try the provider out: its time is over, or the last probe is lost. Where
    /// several processes call it, one of them may.
    #[must_use]
    pub fn needs_probe(&self, now: Monotonic) -> bool {
        match self.phase {
            Phase::Closed => false,
            Phase::Config { probe_at: until }
            | Phase::Open { until }
            | Phase::Resting { until } => now >= until,
            Phase::HalfOpen(ramp) => self.is_lost(ramp, now),
        }
    }

    /// After how long a probe without a result counts as lost.
    #[must_use]
    pub const fn probe_time(&self) -> Duration {
        self.config.lost_after
    }

    fn is_lost(&self, ramp: Ramp, now: Monotonic) -> bool {
        ramp.under_way >= ramp.allowed && now.since(ramp.last_admitted) >= self.config.lost_after
    }

    /// Asks to make one call. A ticket must come back through [`record`](Self::record) or
    /// [`abandon`](Self::abandon); one that does not, within a minute while half-open, counts as lost.
    pub fn admit(&mut self, now: Monotonic) -> (Admission, Option<BreakerChange>) {
        let from = self.state();
        match self.phase {
            Phase::Closed => return (Admission::Go(Ticket(self.generation)), None),
            Phase::Config { probe_at: until }
            | Phase::Open { until }
            | Phase::Resting { until } => {
                if now < until {
                    return (Admission::Refuse { until: Some(until) }, None);
                }
                self.half_open(now, matches!(from, BreakerState::Config { .. }));
            }
            Phase::HalfOpen(ramp) => {
                if self.is_lost(ramp, now) {
                    self.half_open(now, ramp.config);
                }
            }
        }
        (self.admit_half_open(now), self.change(from, now))
    }

    /// Tells how a call ended.
    ///
    /// The result of a call that was admitted before the breaker last began to refuse is ignored: it
    /// says nothing new.
    pub fn record(
        &mut self,
        ticket: Ticket,
        result: Result<(), &Fault>,
        now: Monotonic,
    ) -> Option<BreakerChange> {
        if ticket.0 != self.generation {
            return None;
        }
        let from = self.state();
        match result.map_err(|fault| (fault.kind(), is_silence(fault))) {
            Err((FaultKind::Config, _)) => {
                self.refuse(Phase::Config {
                    probe_at: now + self.config.config_probe,
                });
            }
            Err((
                FaultKind::Provider {
                    retry_after: Some(wait),
                },
                _,
            )) if !wait.is_zero() => {
                self.rest(wait, now);
            }
            Err((FaultKind::Provider { .. } | FaultKind::Unknown, silence)) => {
                self.failed(silence, now);
            }
            Ok(()) | Err((FaultKind::Recipient | FaultKind::Request, _)) => self.answered(now),
        }
        self.change(from, now)
    }

    /// Gives back a ticket whose call was not made: no quota, a lost lease, an opt-out.
    pub fn abandon(&mut self, ticket: Ticket) {
        if let Phase::HalfOpen(ramp) = &mut self.phase
            && ticket.0 == self.generation
        {
            ramp.under_way = ramp.under_way.saturating_sub(1);
        }
    }

    /// The configuration was changed: what was held against the old one is forgotten, and the next
    /// call is a probe. Calls under the old one no longer count. A rest that the provider asked for
    /// goes on.
    pub fn mend(&mut self, now: Monotonic) -> Option<BreakerChange> {
        let from = self.state();
        self.relapses = 0;
        self.silences = 0;
        match self.phase {
            Phase::Config { .. } | Phase::HalfOpen(_) | Phase::Open { .. } => {
                self.half_open(now, false);
            }
            Phase::Closed => {
                self.generation += 1;
                self.window = Window::new();
            }
            Phase::Resting { .. } => {}
        }
        self.change(from, now)
    }

    fn admit_half_open(&mut self, now: Monotonic) -> Admission {
        let Phase::HalfOpen(ramp) = &mut self.phase else {
            return Admission::Refuse { until: None };
        };
        if ramp.under_way >= ramp.allowed {
            return Admission::Refuse { until: None };
        }
        ramp.under_way += 1;
        ramp.last_admitted = now;
        let ticket = Ticket(self.generation);
        if ramp.allowed == 1 {
            Admission::Probe(ticket)
        } else {
            Admission::Go(ticket)
        }
    }

    fn answered(&mut self, now: Monotonic) {
        self.silences = 0;
        self.window.count(self.config.window, now, false);
        if let Phase::HalfOpen(ramp) = &mut self.phase {
            ramp.under_way = ramp.under_way.saturating_sub(1);
            ramp.allowed += 1;
            ramp.config = false;
            if ramp.allowed >= self.config.ramp {
                self.relapses = 0;
                self.window = Window::new();
                self.phase = Phase::Closed;
            }
        }
    }

    fn failed(&mut self, silence: bool, now: Monotonic) {
        if let Phase::HalfOpen(ramp) = self.phase {
            if ramp.config {
                self.refuse(Phase::Config {
                    probe_at: now + self.config.config_probe,
                });
                return;
            }
            // One that failed in the middle of the ramp had been up: it does not wait longer.
            self.relapses = self.relapses.saturating_add(u32::from(ramp.allowed == 1));
            self.open(Duration::ZERO, now);
            return;
        }
        self.silences = if silence {
            self.silences.saturating_add(1)
        } else {
            0
        };
        self.window.count(self.config.window, now, true);
        if self.silences >= self.config.silences || self.window.is_bad(&self.config) {
            self.open(Duration::ZERO, now);
        }
    }

    fn rest(&mut self, wait: Duration, now: Monotonic) {
        let wait = wait.min(RetryPolicy::MAX_RETRY_AFTER);
        self.silences = self.silences.saturating_add(1);
        if self.silences >= self.config.silences {
            self.open(wait, now);
        } else {
            self.refuse(Phase::Resting { until: now + wait });
        }
    }

    fn open(&mut self, at_least: Duration, now: Monotonic) {
        let grown = self
            .config
            .open
            .saturating_mul(2_u32.saturating_pow(self.relapses));
        let wait = grown.min(self.config.open_max).max(at_least);
        self.refuse(Phase::Open { until: now + wait });
    }

    fn half_open(&mut self, now: Monotonic, config: bool) {
        self.refuse(Phase::HalfOpen(Ramp {
            allowed: 1,
            under_way: 0,
            last_admitted: now,
            config,
        }));
    }

    const fn refuse(&mut self, phase: Phase) {
        self.generation += 1;
        self.phase = phase;
    }

    fn change(&self, from: BreakerState, at: Monotonic) -> Option<BreakerChange> {
        let to = self.state();
        (from != to).then_some(BreakerChange { from, to, at })
    }
}

/// Whether the provider did not answer at all.
fn is_silence(fault: &Fault) -> bool {
    fault.kind() == FaultKind::Unknown || matches!(fault.code(), "timeout" | "connect")
}

#[cfg(test)]
mod tests;
