//! What an application has in settings of the crate [`backoff`] becomes a [`RetryPolicy`], and a policy drives loops written for
//! that crate. What the crate lacks beside our policy is in the README of this workspace.

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;
use notify_core::RetryPolicy;
use std::time::Duration;

/// A policy with the interval, factor and cap of these settings, and so many attempts, which the crate has no number for.
///
/// The factor is rounded to a whole number of at least 1; `randomization_factor` of 0 means exact waits, any other one means what our
/// policies do: anything up to the ceiling.
///
/// ```
/// use backoff::ExponentialBackoffBuilder;
/// use std::time::Duration;
///
/// let settings = ExponentialBackoffBuilder::new()
///     .with_initial_interval(Duration::from_secs(1))
///     .with_multiplier(4.0)
///     .with_randomization_factor(0.0)
///     .with_max_interval(Duration::from_secs(60))
///     .build();
/// let policy = notify_backoff::policy(&settings, 4);
/// assert_eq!(policy.delay(1, None, 0.5), Some(Duration::from_secs(1)));
/// assert_eq!(policy.delay(3, None, 0.5), Some(Duration::from_secs(16)));
/// assert_eq!(policy.delay(4, None, 0.5), None);
/// ```
#[must_use]
pub fn policy(settings: &ExponentialBackoff, attempts: u32) -> RetryPolicy {
    // A multiplier of a backoff is small: what is cut off by `as` is clamped first.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was clamped"
    )]
    let factor = settings.multiplier.round().clamp(1.0, 1_000.0) as u32;
    let policy = RetryPolicy::exponential(attempts, settings.initial_interval, factor)
        .with_cap(settings.max_interval);
    if settings.randomization_factor > 0.0 {
        policy
    } else {
        policy.without_jitter()
    }
}

/// One run of a policy, for the loops of the crate: `backoff::retry(PolicyBackoff::new(policy, random), …)`.
///
/// ```
/// use backoff::backoff::Backoff as _;
/// use notify_backoff::PolicyBackoff;
/// use notify_core::RetryPolicy;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::exponential(3, Duration::from_secs(1), 4).without_jitter();
/// let mut waits = PolicyBackoff::new(policy, || 0.5);
/// assert_eq!(waits.next_backoff(), Some(Duration::from_secs(1)));
/// assert_eq!(waits.next_backoff(), Some(Duration::from_secs(4)));
/// assert_eq!(waits.next_backoff(), None);
/// waits.reset();
/// assert_eq!(waits.next_backoff(), Some(Duration::from_secs(1)));
/// ```
#[derive(Clone, Debug)]
pub struct PolicyBackoff<R> {
    policy: RetryPolicy,
    made: u32,
    random: R,
}

impl<R: FnMut() -> f64> PolicyBackoff<R> {
    /// A run of this policy; `random` gives numbers from 0 to 1.
    #[must_use]
    pub const fn new(policy: RetryPolicy, random: R) -> Self {
        Self {
            policy,
            made: 0,
            random,
        }
    }
}

impl<R: FnMut() -> f64> Backoff for PolicyBackoff<R> {
    fn reset(&mut self) {
        self.made = 0;
    }

    fn next_backoff(&mut self) -> Option<Duration> {
        self.made = self.made.saturating_add(1);
        let jitter = (self.random)();
        self.policy.delay(self.made, None, jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backoff::Error;

    #[test]
    fn a_loop_of_the_crate_ends_with_the_policy() {
        let policy = RetryPolicy::exponential(4, Duration::ZERO, 2);
        let mut calls = 0;
        let result: Result<(), _> = backoff::retry(PolicyBackoff::new(policy, || 1.0), || {
            calls += 1;
            Err(Error::transient("no"))
        });
        assert!(result.is_err());
        assert_eq!(calls, 4);
    }

    #[test]
    fn the_crates_own_settings_never_end_by_number() {
        let mut settings = ExponentialBackoff {
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        assert!((0..1_000).all(|_| settings.next_backoff().is_some()));
        let policy = policy(&settings, 4);
        assert_eq!(policy.attempts(), 4);
        assert!(policy.delay(1, None, 1.0) <= Some(settings.max_interval));
    }
}
