//! What operators do with the queue, and how long things are kept.

use std::time::Duration;

use crate::delivery::DeliveryState;

/// What `cancel` did to one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// It will not be sent, or not again.
    Cancelled,
    /// It is being sent, or has ended in this state.
    TooLate(DeliveryState),
    /// There is no such delivery.
    NotFound,
}

/// How long things are kept after they are no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// Idempotency keys. Default 7 days: longer than any retry lasts.
    pub keys: Duration,
    /// Ended deliveries with their notifications and events. Default 90 days.
    pub deliveries: Duration,
    /// Dead letters, from when they became ones: an operator may still want to send them. Default 180 days, twice as long as what
    /// ended well; less than `deliveries` is taken as that.
    pub dead_letters: Duration,
    /// Rows of the consent log that do not stand any more: withdrawn, or said again since. Default 3 years, in which most claims
    /// about them end; a consent that stands is kept for as long as it does.
    pub consents: Duration,
    /// Rows of the audit log. Default 2 years.
    pub audit: Duration,
    /// Suppressed addresses. Default: for ever (`None`), since an address that is forgotten is written to again.
    pub suppressions: Option<Duration>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keys: Duration::from_secs(7 * 86_400),
            deliveries: Duration::from_secs(90 * 86_400),
            dead_letters: Duration::from_secs(180 * 86_400),
            consents: Duration::from_secs(3 * 365 * 86_400),
            audit: Duration::from_secs(2 * 365 * 86_400),
            suppressions: None,
        }
    }
}

impl Retention {
    /// Keeps idempotency keys this long; at least 24 h.
    #[must_use]
    pub fn with_keys(mut self, keep: Duration) -> Self {
        self.keys = keep.max(Duration::from_secs(86_400));
        self
    }

    /// Keeps ended deliveries this long.
    #[must_use]
    pub const fn with_deliveries(mut self, keep: Duration) -> Self {
        self.deliveries = keep;
        self
    }

    /// Keeps dead letters this long.
    #[must_use]
    pub const fn with_dead_letters(mut self, keep: Duration) -> Self {
        self.dead_letters = keep;
        self
    }

    /// Keeps consents that do not stand any more this long.
    #[must_use]
    pub const fn with_consents(mut self, keep: Duration) -> Self {
        self.consents = keep;
        self
    }

    /// Keeps the audit log this long.
    #[must_use]
    pub const fn with_audit(mut self, keep: Duration) -> Self {
        self.audit = keep;
        self
    }

    /// Keeps suppressed addresses this long; `None` is for ever.
    #[must_use]
    pub const fn with_suppressions(mut self, keep: Option<Duration>) -> Self {
        self.suppressions = keep;
        self
    }

    /// How long a delivery that ended in this state is kept.
    #[must_use]
    pub fn of(&self, state: DeliveryState) -> Duration {
        if state.is_dead_letter() {
            self.dead_letters.max(self.deliveries)
        } else {
            self.deliveries
        }
    }

    /// How long a release of templates is kept that no delivery is pinned to: as long as deliveries, and at least 7 days, since
    /// what is in use is published again once a day only.
    #[must_use]
    pub fn releases(&self) -> Duration {
        self.deliveries.max(Duration::from_secs(7 * 86_400))
    }
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Idempotency keys.
    pub keys: u64,
    /// Ended deliveries, dead letters among them.
    pub deliveries: u64,
    /// How many of these were dead letters: they were never sent, and nobody ended them.
    pub dead_letters: u64,
    /// Whether there is more to forget: ask again.
    pub more: bool,
}

impl Swept {
    /// So many keys and deliveries, no dead letters, and whether there is more.
    #[must_use]
    pub const fn new(keys: u64, deliveries: u64, more: bool) -> Self {
        Self {
            keys,
            deliveries,
            dead_letters: 0,
            more,
        }
    }

    /// So many dead letters among the deliveries.
    #[must_use]
    pub const fn with_dead_letters(mut self, dead_letters: u64) -> Self {
        self.dead_letters = dead_letters;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_letters_are_kept_at_least_as_long_as_what_ended_well() {
        let day = Duration::from_secs(86_400);
        let keep = Retention::default().with_deliveries(10 * day);
        assert_eq!(keep.of(DeliveryState::Sent), 10 * day);
        assert_eq!(keep.of(DeliveryState::Parked), 180 * day);
        let keep = keep.with_dead_letters(day);
        assert_eq!(keep.of(DeliveryState::Dead), 10 * day);
        assert_eq!(keep.with_deliveries(day).releases(), 7 * day);
    }
}
