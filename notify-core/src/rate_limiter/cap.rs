//! A cap per person: an exact sliding window, checked where the message is begun.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// At most `max` in any `window`, exactly.
///
/// A cap is not a quota: a token bucket of 5 an hour lets 9 through in one hour (5 at once, then one each 12 minutes).
/// Stores keep the instants themselves and count them in the same commit that begins the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cap {
    /// How many.
    pub max: u32,
    /// In any stretch of time of this length.
    pub window: Duration,
}

impl Cap {
    /// At most `max` in any `window`.
    #[must_use]
    pub const fn new(max: u32, window: Duration) -> Self {
        Self { max, window }
    }
}
