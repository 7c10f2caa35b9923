//! When an address that bounces softly, again and again, is given up: pure.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::clock::Timestamp;

/// After how many soft bounces in a row an address is suppressed.
///
/// ```
/// use notify_core::preference::SoftBounces;
///
/// let rule = SoftBounces::default();
/// assert_eq!((rule.after, rule.within.as_secs() / 86_400), (5, 30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SoftBounces {
    /// So many without an arrival in between. Default 5: a full mailbox is forgiven for some days, an abandoned one is not written
    /// to for ever.
    pub after: u32,
    /// Within this time. Default 30 days: what is older says nothing about today's mailbox.
    pub within: Duration,
}

impl Default for SoftBounces {
    fn default() -> Self {
        Self {
            after: 5,
            within: Duration::from_secs(30 * 86_400),
        }
    }
}

impl SoftBounces {
    /// Suppresses after so many within this time; 0 is taken as 1.
    #[must_use]
    pub const fn new(after: u32, within: Duration) -> Self {
        Self {
            after: if after == 0 { 1 } else { after },
            within,
        }
    }
}

/// The soft bounces of one address, and its last arrival. Used by every store: it reads, changes and writes it in one commit.
///
/// The order in which bounces and arrivals are told does not matter, as long as one was told before: an arrival at an address that
/// nothing is kept of leaves nothing behind.
///
/// ```
/// use notify_core::Timestamp;
/// use notify_core::preference::{BounceTally, SoftBounces};
/// use std::time::Duration;
///
/// let (mut tally, day) = (BounceTally::default(), Duration::from_secs(86_400));
/// let spent: Vec<bool> = (0..5).map(|no| tally.bounced(Timestamp::EPOCH + day * no, SoftBounces::default())).collect();
/// assert_eq!(spent, [false, false, false, false, true]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BounceTally {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    arrived: Option<Timestamp>,
    #[serde(default)]
    bounces: Vec<Timestamp>,
}

impl BounceTally {
    /// One more soft bounce; answers whether the address is to be suppressed now.
    pub fn bounced(&mut self, at: Timestamp, rule: SoftBounces) -> bool {
        let place = self.bounces.partition_point(|other| *other <= at);
        self.bounces.insert(place, at);
        let newest = self.bounces.last().copied().unwrap_or(at);
        let arrived = self.arrived;
        self.bounces.retain(|other| {
            newest.since(*other) < rule.within && arrived.is_none_or(|arrived| *other > arrived)
        });
        u32::try_from(self.bounces.len()).unwrap_or(u32::MAX) >= rule.after
    }

    /// A message arrived.
    pub fn arrived(&mut self, at: Timestamp) {
        self.arrived = self.arrived.max(Some(at));
        self.bounces.retain(|bounce| *bounce > at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn an_arrival_forgives_what_was_before_it_in_whatever_order_they_are_told() {
        let (now, rule) = (Timestamp::EPOCH, SoftBounces::new(2, 10 * DAY));
        let mut tally = BounceTally::default();
        assert!(!tally.bounced(now, rule));
        tally.arrived(now + DAY);
        assert!(!tally.bounced(now + DAY / 2, rule), "before the arrival");
        assert!(!tally.bounced(now + 2 * DAY, rule));
        assert!(tally.bounced(now + 3 * DAY, rule));
    }

    #[test]
    fn what_lies_outside_of_the_window_does_not_count() {
        let (now, rule) = (Timestamp::EPOCH, SoftBounces::new(2, DAY));
        let mut tally = BounceTally::default();
        assert!(!tally.bounced(now, rule));
        assert!(!tally.bounced(now + DAY, rule));
        assert!(
            tally.bounced(now + DAY, rule),
            "two at the same time are two"
        );
        assert_eq!(SoftBounces::new(0, DAY).after, 1);
    }
}
