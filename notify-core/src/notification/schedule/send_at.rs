//! For when one notification is.

use serde::{Deserialize, Serialize};

use crate::calendar::{Date, TimeOfDay, Zone};
use crate::clock::Timestamp;

/// For when one notification is: an instant, or each recipient's own time of a day. What is past is now.
///
/// A recipient's own time is the first instant at which their clock shows it or something later: where clocks go back it is the first
/// of two passes, where they jump over it, the jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SendAt {
    /// At this instant.
    At(Timestamp),
    /// At this time of this day, where the recipient lives.
    Local {
        /// The day.
        date: Date,
        /// The time.
        time: TimeOfDay,
    },
}

impl SendAt {
    /// At this time of this day, where the recipient lives.
    #[must_use]
    pub const fn local(date: Date, time: TimeOfDay) -> Self {
        Self::Local { date, time }
    }

    /// The instant for a recipient in this zone.
    #[must_use]
    pub fn instant(&self, zone: &Zone) -> Timestamp {
        match self {
            Self::At(at) => *at,
            Self::Local { date, time } => zone.instant(*date, *time),
        }
    }

    /// Whether the instant depends on where the recipient lives.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self, Self::Local { .. })
    }
}
