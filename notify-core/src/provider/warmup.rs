//! A new sender begins with a few messages a day, and sends more each day: arithmetic only.

use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

use crate::clock::Timestamp;
use crate::rate_limiter::Quota;

/// How many messages a day a new sender may send, day by day.
///
/// Mailbox providers distrust an address or a domain that begins with thousands of mails, and text messages from a new number are
/// filtered likewise. Each day has [`growth`](Self::with_growth) percent of the day before, from `start` until `until` is reached;
/// then the limit is gone. A provider configured for one sender is what a warm-up is about; it is counted as a quota.
///
/// ```
/// use notify_core::provider::Warmup;
/// use notify_core::Timestamp;
/// use std::{num::NonZeroU32, time::Duration};
///
/// let number = |n| NonZeroU32::new(n).expect("not zero");
/// let warmup = Warmup::new(Timestamp::EPOCH, number(50), number(5_000));
/// let on_day = |day: u32| warmup.per_day(Timestamp::EPOCH + Duration::from_secs(86_400) * day).map(NonZeroU32::get);
/// assert_eq!([on_day(0), on_day(1), on_day(2)], [Some(50), Some(75), Some(113)]);
/// assert_eq!(on_day(12), None, "it is warm");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Warmup {
    /// When its first day begins.
    pub since: Timestamp,
    /// How many on the first day.
    pub start: NonZeroU32,
    /// How many a day are as good as no limit.
    pub until: NonZeroU32,
    /// How many percent of one day the next one has. Default: 150.
    pub growth: u32,
}

/// A day.
const DAY: u64 = 86_400;

impl Warmup {
    /// From `start` messages on the day that begins at `since` until `until` a day, half as many more each day.
    #[must_use]
    pub const fn new(since: Timestamp, start: NonZeroU32, until: NonZeroU32) -> Self {
        Self {
            since,
            start,
            until,
            growth: 150,
        }
    }

    /// Each day so many percent of the day before; 101 at least, or it would never end.
    #[must_use]
    pub const fn with_growth(mut self, percent: u32) -> Self {
        self.growth = if percent > 101 { percent } else { 101 };
        self
    }

    /// How many on the day of `now`; `None` when it is warm. Before the first day, as on it.
    #[must_use]
    pub fn per_day(&self, now: Timestamp) -> Option<NonZeroU32> {
        let (mut today, growth) = (u64::from(self.start.get()), u64::from(self.growth.max(101)));
        for _ in 0..now.since(self.since).as_secs() / DAY {
            if today >= u64::from(self.until.get()) {
                break;
            }
            today = (today * growth).div_ceil(100);
        }
        (today < u64::from(self.until.get()))
            .then(|| u32::try_from(today).ok().and_then(NonZeroU32::new))
            .flatten()
    }

    /// The limit of the day as a quota: spread over it, at most an hour's part at once, so that no day has more than a
    /// twenty-fourth above it.
    #[must_use]
    pub fn quota(&self, now: Timestamp) -> Option<Quota> {
        let max = self.per_day(now)?;
        let burst = NonZeroU32::new(max.get() / 24).unwrap_or(NonZeroU32::MIN);
        Some(Quota::per_day(max).with_burst(burst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("not zero")
    }

    #[test]
    fn a_warm_up_grows_each_day_and_ends() {
        for (start, until, growth) in [(1, u32::MAX, 101), (50, 100_000, 200), (7, 8, 0)] {
            let mut warmup = Warmup::new(Timestamp::EPOCH, number(start), number(until));
            warmup.growth = growth;
            let days = (0..4_000)
                .map(|day| warmup.per_day(Timestamp::EPOCH + Duration::from_secs(DAY) * day));
            let caps: Vec<u32> = days.map_while(|cap| cap.map(NonZeroU32::get)).collect();
            assert_eq!(caps[0], start);
            assert!(caps.windows(2).all(|pair| pair[0] < pair[1]), "{caps:?}");
            assert!(caps.len() < 4_000 && caps.iter().all(|cap| *cap < until));
        }
        let warm = Warmup::new(Timestamp::EPOCH, number(10), number(10));
        assert_eq!(warm.quota(Timestamp::EPOCH), None);
    }

    #[test]
    fn a_day_starts_with_the_senders_first_and_never_before() {
        let since = Timestamp::EPOCH + Duration::from_secs(1_000_000);
        let warmup = Warmup::new(since, number(48), number(1_000));
        assert_eq!(warmup.per_day(Timestamp::EPOCH), Some(number(48)));
        let noon = since + Duration::from_secs(DAY / 2);
        let quota = warmup.quota(noon).expect("is warming up");
        assert_eq!((quota.max.get(), quota.burst.get()), (48, 2));
    }
}
