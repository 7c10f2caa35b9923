//! Time, waiting and randomness as parameters: the only file that reads a clock or sleeps.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::sync::Mutex;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::id::mix;

/// An instant in UTC, in whole microseconds since 1970, so that every store reads back what was written.
///
/// Arithmetic saturates: no time overflows.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use std::time::Duration;
///
/// let at = Timestamp::from_micros(1_000_000);
/// assert_eq!((at + Duration::from_secs(1)).as_micros(), 2_000_000);
/// assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last instant that can be stored.
    pub const MAX: Self = Self(i64::MAX);
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// The instant this many microseconds after 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(micros(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(micros(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => fmt::Display::fmt(&at, f),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Time that only moves forward: for leases, deadlines and breakers inside one process. Never stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(Duration);

impl Monotonic {
    /// The instant this long after the clock's own beginning.
    #[must_use]
    pub const fn from_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// Tells the time and waits. Everything in this library that depends on time takes one.
///
/// # Contract
/// - `now` and `monotonic` never block.
/// - `monotonic` never goes back; `now` may, when the host's clock is set.
/// - `sleep` completes when `monotonic` has advanced by at least the duration, and may be dropped at any time.
#[async_trait]
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The wall clock in UTC.
    fn now(&self) -> Timestamp;

    /// The clock that only moves forward.
    fn monotonic(&self) -> Monotonic;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// The host's clocks, and tokio's timer.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SystemClock;

impl SystemClock {
    /// The host's clock.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

static START: OnceLock<Instant> = OnceLock::new();

#[async_trait]
#[expect(
    clippy::disallowed_methods,
    reason = "this file is where the host's clocks are read"
)]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, micros),
        )
    }

    fn monotonic(&self) -> Monotonic {
        let now = Instant::now();
        Monotonic(now.saturating_duration_since(*START.get_or_init(|| now)))
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A source of random numbers: for jitter and for spreading load, never for secrets.
pub trait Entropy: fmt::Debug + Send + Sync + 'static {
    /// The next 64 random bits.
    fn next_u64(&self) -> u64;

    /// A number from 0 (inclusive) to 1 (exclusive).
    fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
        let bits = (self.next_u64() >> 11) as f64;
        bits / (1_u64 << 53) as f64
    }
}

/// SplitMix64 from a seed: the same seed gives the same numbers.
///
/// ```
/// use notify_core::clock::{Entropy, SeededEntropy};
///
/// assert_eq!(SeededEntropy::new(7).next_u64(), SeededEntropy::new(7).next_u64());
/// assert!(SeededEntropy::random().fraction() < 1.0);
/// ```
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// Numbers that follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// Numbers that nobody can foresee.
    #[must_use]
    pub fn random() -> Self {
        Self::new(unforeseeable())
    }
}

/// 64 bits that the operating system's randomness seeds; for spreading, not for secrets.
pub(crate) fn unforeseeable() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0_u8)
}

impl Entropy for SeededEntropy {
    fn next_u64(&self) -> u64 {
        let mut state = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = state.wrapping_add(1);
        mix(*state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_saturate_instead_of_overflowing() {
        assert_eq!(Timestamp::MAX + Duration::from_secs(1), Timestamp::MAX);
        assert_eq!(
            Timestamp::from_micros(i64::MIN) - Duration::MAX,
            Timestamp::from_micros(i64::MIN)
        );
        assert_eq!(Timestamp::EPOCH.since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn a_timestamp_reads_as_rfc_3339() {
        assert_eq!(
            Timestamp::from_micros(1_500_000).to_string(),
            "1970-01-01T00:00:01.5Z"
        );
    }

    #[test]
    fn fractions_stay_below_one() {
        let entropy = SeededEntropy::new(3);
        assert!(
            (0..1_000)
                .map(|_| entropy.fraction())
                .all(|f| (0.0..1.0).contains(&f))
        );
    }
}
