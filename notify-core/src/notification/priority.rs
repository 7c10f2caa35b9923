//! The lane a notification travels in; apart from its class, which is a matter of law.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How urgent a notification is: its lane through the queue.
///
/// Critical has capacity of its own; the lower lanes share the rest by weight, so that none starves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "lanes are a closed set that workers and stores enumerate"
)]
pub enum Priority {
    /// Can wait: campaigns, newsletters.
    Low,
    /// The ordinary.
    Normal,
    /// Somebody waits for it: receipts, password resets.
    High,
    /// Somebody comes to harm without it: security alerts, one-time codes.
    Critical,
}

impl Priority {
    /// All lanes, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Normal, Self::Low];

    /// The name in tables, metrics and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The number that stores keep: 0 is the most urgent.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Normal => 2,
            Self::Low => 3,
        }
    }

    /// The priority with this [`rank`](Self::rank).
    #[must_use]
    pub fn from_rank(rank: u8) -> Option<Self> {
        Self::ALL.get(usize::from(rank)).copied()
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = Error;

    /// Reads a priority from outside input; `urgent` is an alias of `critical`.
    fn from_str(text: &str) -> Result<Self> {
        match text {
            "critical" | "urgent" => Ok(Self::Critical),
            "high" => Ok(Self::High),
            "normal" => Ok(Self::Normal),
            "low" => Ok(Self::Low),
            _ => Err(Error::invalid(
                "priority",
                "is none of critical, high, normal, low",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_and_names_read_back() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_rank(priority.rank()), Some(priority));
            assert_eq!(priority.as_str().parse::<Priority>().ok(), Some(priority));
        }
        assert_eq!("urgent".parse::<Priority>().ok(), Some(Priority::Critical));
        assert!("asap".parse::<Priority>().is_err());
    }
}
