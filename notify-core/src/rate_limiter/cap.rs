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

/// What becomes of a message that a cap has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third thing to do")]
pub enum Excess {
    /// It is not sent on this channel: suppressed as `rate_limited`; other channels go on. The default, because most messages are
    /// worth less when they come late.
    #[default]
    Drop,
    /// It waits until there is room; what would expire by then is not sent.
    Wait,
}
