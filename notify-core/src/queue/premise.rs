//! What must still be true at a commit: how pure planning meets atomic storing.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::DeliveryState;
use crate::digest::BucketKey;
use crate::id::{ChannelId, DeliveryId, RecipientId, ScheduleId};
use crate::preference::Stamp;

/// What a decision rests on. A store compares, and decides nothing.
///
/// The planner reads a snapshot and answers with decisions and their premises; `accept` and `begin` check these in their commit
/// and say which one failed; then it is planned again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Premise {
    /// It is before this instant.
    NotExpired {
        /// The instant.
        at: Timestamp,
    },
    /// The preferences have this version. A stamp of another database does not hold.
    Preferences {
        /// Whose.
        recipient: RecipientId,
        /// The version.
        stamp: Stamp,
    },
    /// Something was read from a foreign store not longer ago than this.
    FreshRead {
        /// When it was read.
        read_at: Timestamp,
        /// How old it may be.
        max_age: Duration,
    },
    /// The address is not suppressed: not for anything, and for marketing not for marketing either.
    NotSuppressed {
        /// On which channel.
        channel: ChannelId,
        /// The address's hash.
        address: [u8; 32],
        /// Whether the message is marketing.
        marketing: bool,
    },
    /// Fewer than `max` other deliveries were counted under this key in the last `window`; this one is counted from now on.
    /// What was counted at `t` no longer counts at `t + window`.
    Cap {
        /// Whose, and of what: recipient, category, channel.
        key: [u8; 32],
        /// How many.
        max: u32,
        /// In how long.
        window: Duration,
        /// Counted once, however often it is begun.
        counted_as: DeliveryId,
    },
    /// No other notification said this within its window; from now on this one did, for `window`.
    Unseen {
        /// The hash of what is said and to whom.
        content: [u8; 32],
        /// How long it counts, from now.
        window: Duration,
    },
    /// A bucket of this key is open, or none is: what a first event that goes at once, and those that wait after it, rest on.
    Bucket {
        /// What is gathered in it.
        key: BucketKey,
        /// Whether one is open.
        open: bool,
    },
    /// The step before is still in one of these states and was not seen.
    Predecessor {
        /// The step before.
        delivery: DeliveryId,
        /// The states.
        state_in: Vec<DeliveryState>,
    },
    /// The schedule that an occurrence is of is there, is not paused, and has this version.
    Occurrence {
        /// Which.
        schedule: ScheduleId,
        /// The version.
        version: u64,
    },
}

/// Asks how much of a cap is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapQuery {
    /// Whose, and of what, as in [`Premise::Cap`].
    pub key: [u8; 32],
    /// How many.
    pub max: u32,
    /// In how long.
    pub window: Duration,
}

impl CapQuery {
    /// How much of at most `max` in any `window` is used under this key?
    #[must_use]
    pub const fn new(key: [u8; 32], max: u32, window: Duration) -> Self {
        Self { key, max, window }
    }
}

/// How much of a cap is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapUse {
    /// How many deliveries count now.
    pub used: u32,
    /// When there is room for one more: now, if there is already; `None` if there never is.
    pub room_at: Option<Timestamp>,
}

impl CapUse {
    /// So many count, and then there is room.
    #[must_use]
    pub const fn new(used: u32, room_at: Option<Timestamp>) -> Self {
        Self { used, room_at }
    }
}
