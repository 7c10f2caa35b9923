//! What operators do with the queue, and how long things are kept.

use std::time::Duration;

use crate::delivery::DeliveryState;

/// What `cancel` did to one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelOutcome {
    /// It will not be sent.
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
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keys: Duration::from_secs(7 * 86_400),
            deliveries: Duration::from_secs(90 * 86_400),
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
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Idempotency keys.
    pub keys: u64,
    /// Ended deliveries.
    pub deliveries: u64,
    /// Whether there is more to forget: ask again.
    pub more: bool,
}

impl Swept {
    /// So many keys and deliveries, and whether there is more.
    #[must_use]
    pub const fn new(keys: u64, deliveries: u64, more: bool) -> Self {
        Self {
            keys,
            deliveries,
            more,
        }
    }
}
