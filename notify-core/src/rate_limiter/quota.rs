//! A quota as plain data, and what it is applied to.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// `max` calls each `per`, of which at most `burst` at once after a quiet time.
///
/// Tokens come back evenly, one each `per / max`, up to `burst`. So in any window of length `t` at
/// most `burst + t / per × max` calls pass: with the default burst (`max`, as vendors mean
/// "100 a second" and as a batch needs it) that is at worst twice `max` in the first `per` after a
/// quiet time. For a vendor that counts strictly, give a smaller burst.
///
/// Not for "never more than 5 a day to one person": that is a [`Cap`](crate::rate_limiter::Cap).
///
/// ```
/// use notify_core::rate_limiter::Quota;
/// use std::{num::NonZeroU32, time::Duration};
///
/// let number = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
/// let quota = Quota::per_second(number(100)).with_burst(number(10));
/// assert_eq!(quota.interval(), Duration::from_millis(10));
/// assert_eq!(quota.fills_in(), Duration::from_millis(100));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Quota {
    /// How many calls each `per`, in the long run.
    pub max: NonZeroU32,
    /// The period. Zero is taken as the shortest there is: no limit in effect.
    pub per: Duration,
    /// How many at once after a quiet time.
    pub burst: NonZeroU32,
}

/// The longest that any bucket takes to fill, 146 years in nanoseconds, so that nothing overflows.
const FILL_MAX: u64 = (1 << 62) - 1;

impl Quota {
    /// `max` calls each `per`, all at once if need be.
    #[must_use]
    pub const fn new(max: NonZeroU32, per: Duration) -> Self {
        Self {
            max,
            per,
            burst: max,
        }
    }

    /// `max` calls a second.
    #[must_use]
    pub const fn per_second(max: NonZeroU32) -> Self {
        Self::new(max, Duration::from_secs(1))
    }

    /// `max` calls a minute.
    #[must_use]
    pub const fn per_minute(max: NonZeroU32) -> Self {
        Self::new(max, Duration::from_secs(60))
    }

    /// `max` calls an hour.
    #[must_use]
    pub const fn per_hour(max: NonZeroU32) -> Self {
        Self::new(max, Duration::from_secs(3_600))
    }

    /// `max` calls in 24 hours.
    #[must_use]
    pub const fn per_day(max: NonZeroU32) -> Self {
        Self::new(max, Duration::from_secs(86_400))
    }

    /// At most `burst` at once.
    #[must_use]
    pub const fn with_burst(mut self, burst: NonZeroU32) -> Self {
        self.burst = burst;
        self
    }

    /// After how long one token comes back: `per / max`, rounded up to whole nanoseconds so that
    /// the rate is never exceeded, at least 1 ns, and at most so long that a bucket fills in 146 years.
    #[must_use]
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.interval_nanos())
    }

    /// How long an empty bucket takes to be full.
    #[must_use]
    pub fn fills_in(&self) -> Duration {
        Duration::from_nanos(self.fill_nanos())
    }

    pub(super) fn interval_nanos(&self) -> u64 {
        let exact = self.per.as_nanos().div_ceil(u128::from(self.max.get()));
        let longest = FILL_MAX / u64::from(self.burst.get());
        u64::try_from(exact).unwrap_or(u64::MAX).clamp(1, longest)
    }

    pub(super) fn fill_nanos(&self) -> u64 {
        self.interval_nanos() * u64::from(self.burst.get())
    }
}

/// What a quota is applied to: one thing (a provider, a caller, a device) of a scope.
///
/// A scope is a constant of the program or a short name, an id whatever tells the things apart.
/// Ids end up in the memory and tables of limiters: use a hash where they are personal data.
///
/// ```
/// use notify_core::rate_limiter::QuotaKey;
///
/// let key = QuotaKey::new("provider", "twilio");
/// assert_eq!(key.to_string(), "provider/twilio");
/// assert!(key.is_in(&QuotaKey::scope("provider")));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaKey {
    scope: Cow<'static, str>,
    id: Arc<str>,
}

impl QuotaKey {
    /// One thing of a scope. An empty `id` is the [scope](Self::scope) itself.
    #[must_use]
    pub fn new(scope: impl Into<Cow<'static, str>>, id: impl Into<Arc<str>>) -> Self {
        Self {
            scope: scope.into(),
            id: id.into(),
        }
    }

    /// The whole scope: a quota that is set for it holds for each thing in it by itself, unless
    /// that has one of its own. So 240 a minute for each of a million devices is one line.
    #[must_use]
    pub fn scope(scope: impl Into<Cow<'static, str>>) -> Self {
        Self::new(scope, "")
    }

    /// The name of the scope.
    #[must_use]
    pub fn scope_name(&self) -> &str {
        &self.scope
    }

    /// What tells it apart in its scope; empty for the scope itself.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether it is `scope` or one of the things in it.
    #[must_use]
    pub fn is_in(&self, scope: &Self) -> bool {
        scope.is_scope() && scope.scope == self.scope
    }

    pub(super) fn is_scope(&self) -> bool {
        self.id.is_empty()
    }
}

impl fmt::Display for QuotaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scope, self.id)
    }
}

impl fmt::Debug for QuotaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(max: u32, per: Duration) -> Quota {
        Quota::new(NonZeroU32::new(max).expect("not zero"), per)
    }

    #[test]
    fn the_interval_is_rounded_so_that_the_rate_is_never_exceeded() {
        let third = quota(3, Duration::from_secs(1)).interval();
        assert_eq!(third, Duration::from_nanos(333_333_334));
    }

    #[test]
    fn absurd_quotas_do_not_overflow() {
        for absurd in [
            quota(1, Duration::MAX),
            quota(u32::MAX, Duration::MAX),
            quota(1, Duration::MAX).with_burst(NonZeroU32::MAX),
            quota(1, Duration::ZERO),
            quota(u32::MAX, Duration::from_nanos(1)),
        ] {
            assert!(absurd.interval() >= Duration::from_nanos(1));
            assert!(absurd.fill_nanos() <= FILL_MAX);
        }
    }

    #[test]
    fn a_quota_reads_back_from_json() {
        let day = quota(50_000, Duration::from_secs(86_400));
        let json = serde_json::to_string(&day).expect("serialises");
        assert_eq!(serde_json::from_str::<Quota>(&json).expect("reads"), day);
    }
}
