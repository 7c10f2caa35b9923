//! Exponential back-off with full jitter, a cap, and respect for what the provider said.

use std::time::Duration;

/// When a failed call is made again, and when to give up. Pure: same arguments, same answer.
///
/// The ceiling of the n-th wait is `base × factor^(n-1)`, at most `cap`; with full jitter the wait is anywhere between
/// zero and its ceiling, which spreads a thundering herd best. A provider's Retry-After is a floor under the wait, clamped
/// to [`RetryPolicy::MAX_RETRY_AFTER`].
///
/// Default: 4 attempts in all with ceilings of 1 s, 4 s and 16 s, cap 1 h.
///
/// ```
/// use notify_core::RetryPolicy;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::default();
/// assert_eq!(policy.delay(1, None, 0.5), Some(Duration::from_millis(500)));
/// assert_eq!(policy.delay(3, None, 1.0), Some(Duration::from_secs(16)));
/// assert_eq!(policy.delay(4, None, 1.0), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    factor: u32,
    cap: Duration,
    jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self::exponential(4, Duration::from_secs(1), 4)
    }
}

impl RetryPolicy {
    /// The longest wait that a provider can ask for.
    pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3_600);

    /// `attempts` calls in all (at least one), the first wait at most `base`, each next ceiling `factor` times as long.
    #[must_use]
    pub const fn exponential(attempts: u32, base: Duration, factor: u32) -> Self {
        let attempts = if attempts == 0 { 1 } else { attempts };
        Self {
            attempts,
            base,
            factor,
            cap: Duration::from_secs(3_600),
            jitter: true,
        }
    }

    /// Never again.
    #[must_use]
    pub const fn never() -> Self {
        Self::exponential(1, Duration::ZERO, 1)
    }

    /// No wait is longer than this, unless the provider asks for it.
    #[must_use]
    pub const fn with_cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Waits exactly the ceiling, for tests and for providers that prescribe a schedule.
    #[must_use]
    pub const fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// How many calls are made in all.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long to wait after the `made`-th call failed, or `None` to give up.
    ///
    /// `retry_after` is what the provider asked for; `jitter` is a random number from 0 to 1.
    #[must_use]
    pub fn delay(&self, made: u32, retry_after: Option<Duration>, jitter: f64) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let ceiling = self.ceiling(made);
        let wait = if self.jitter {
            ceiling.mul_f64(jitter.clamp(0.0, 1.0))
        } else {
            ceiling
        };
        Some(wait.max(retry_after.unwrap_or_default().min(Self::MAX_RETRY_AFTER)))
    }

    fn ceiling(&self, made: u32) -> Duration {
        let times = self.factor.max(1).saturating_pow(made.saturating_sub(1));
        self.base.saturating_mul(times).min(self.cap)
    }
}
