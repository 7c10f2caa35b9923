//! The inbox inside the application: items in order, what is unread and unseen, and the provider that fills it.

mod provider;
mod store;

pub use provider::InboxProvider;
pub use store::InboxStore;

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::channel::InAppMessage;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CategoryId, DeliveryId, NotificationId, RecipientId};

/// Where an item of the inbox stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "counters must be thought through for each"
)]
pub enum InboxStatus {
    /// New: counts as unread and unseen.
    Unread,
    /// The list with it was shown: counts as unread.
    Seen,
    /// Opened.
    Read,
    /// Put away.
    Archived,
    /// It went stale before it was read; its text is gone.
    AutoCleared,
}

impl InboxStatus {
    /// The number that stores keep.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Seen => 1,
            Self::Read => 2,
            Self::Archived => 3,
            Self::AutoCleared => 4,
        }
    }

    /// The status with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Unread),
            1 => Some(Self::Seen),
            2 => Some(Self::Read),
            3 => Some(Self::Archived),
            4 => Some(Self::AutoCleared),
            _ => None,
        }
    }

    /// Whether it counts as unread.
    #[must_use]
    pub const fn is_unread(self) -> bool {
        matches!(self, Self::Unread | Self::Seen)
    }

    /// Whether it counts as unseen.
    #[must_use]
    pub const fn is_unseen(self) -> bool {
        matches!(self, Self::Unread)
    }

    /// Where `mark` moves it; a mark never moves an item back.
    #[must_use]
    pub const fn marked(self, mark: Mark) -> Self {
        match (self, mark) {
            (Self::AutoCleared, _) => Self::AutoCleared,
            (Self::Unread, Mark::Seen) => Self::Seen,
            (Self::Unread | Self::Seen, Mark::Read) => Self::Read,
            (_, Mark::Archived) => Self::Archived,
            (same, Mark::Seen | Mark::Read) => same,
        }
    }
}

/// What a person does with items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "counters must be thought through for each"
)]
pub enum Mark {
    /// The list with them was shown.
    Seen,
    /// They were opened.
    Read,
    /// They were put away.
    Archived,
}

/// One item to store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NewInboxItem {
    /// Whose inbox.
    pub recipient: RecipientId,
    /// The delivery that put it there: the same one puts it there once.
    pub delivery: DeliveryId,
    /// What happened.
    pub notification: NotificationId,
    /// Of which kind.
    pub category: CategoryId,
    /// What it says.
    pub message: InAppMessage,
    /// When it came.
    pub at: Timestamp,
    /// When it goes stale; `None` stays until the retention ends.
    pub stale_at: Option<Timestamp>,
}

impl NewInboxItem {
    /// An item that does not go stale.
    #[must_use]
    pub const fn new(
        recipient: RecipientId,
        delivery: DeliveryId,
        notification: NotificationId,
        category: CategoryId,
        message: InAppMessage,
        at: Timestamp,
    ) -> Self {
        Self {
            recipient,
            delivery,
            notification,
            category,
            message,
            at,
            stale_at: None,
        }
    }
}

/// One item of an inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboxItem {
    /// Its place in this person's inbox: grows by one with each item, never reused.
    pub sequence: u64,
    /// The delivery that put it there.
    pub delivery: DeliveryId,
    /// What happened.
    pub notification: NotificationId,
    /// Of which kind.
    pub category: CategoryId,
    /// What it says.
    pub message: InAppMessage,
    /// When it came.
    pub at: Timestamp,
    /// When it goes stale.
    pub stale_at: Option<Timestamp>,
    /// Where it stands.
    pub status: InboxStatus,
}

impl InboxItem {
    /// A new item at its place.
    #[must_use]
    pub fn new(sequence: u64, item: NewInboxItem, status: InboxStatus) -> Self {
        let NewInboxItem {
            delivery,
            notification,
            category,
            message,
            at,
            stale_at,
            ..
        } = item;
        Self {
            sequence,
            delivery,
            notification,
            category,
            message,
            at,
            stale_at,
            status,
        }
    }
}

/// How many items wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboxCounts {
    /// Not opened.
    pub unread: u64,
    /// Not even shown.
    pub unseen: u64,
}

impl InboxCounts {
    /// So many.
    #[must_use]
    pub const fn new(unread: u64, unseen: u64) -> Self {
        Self { unread, unseen }
    }
}

/// How many items an inbox holds, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InboxLimits {
    /// The most items; the oldest give way. Default 100.
    pub cap: u32,
    /// For how long, unless the person chose otherwise. Default 15 days.
    pub retention: Duration,
}

impl Default for InboxLimits {
    fn default() -> Self {
        Self {
            cap: 100,
            retention: Self::days(15),
        }
    }
}

impl InboxLimits {
    /// The fewest and the most days that a person may choose.
    pub const DAYS: std::ops::RangeInclusive<u8> = 1..=15;

    const fn days(days: u64) -> Duration {
        Duration::from_secs(days * 86_400)
    }

    /// At most this many items; at least one.
    #[must_use]
    pub fn with_cap(mut self, cap: u32) -> Self {
        self.cap = cap.max(1);
        self
    }

    /// For this long.
    #[must_use]
    pub const fn with_retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// Checks a person's choice.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `days`, outside of 1 to 15.
    pub fn check_days(days: u8) -> Result<Duration> {
        if Self::DAYS.contains(&days) {
            Ok(Self::days(u64::from(days)))
        } else {
            Err(Error::invalid("days", "must be 1 to 15"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_never_moves_an_item_back() {
        use InboxStatus::{Archived, AutoCleared, Read, Seen, Unread};
        assert_eq!(Unread.marked(Mark::Seen), Seen);
        assert_eq!(Read.marked(Mark::Seen), Read);
        assert_eq!(Archived.marked(Mark::Read), Archived);
        assert_eq!(AutoCleared.marked(Mark::Archived), AutoCleared);
        for status in [Unread, Seen, Read, Archived, AutoCleared] {
            assert_eq!(InboxStatus::from_code(status.code()), Some(status));
        }
    }
}
