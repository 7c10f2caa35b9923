//! A limit as operators write it.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::rate_limiter::Quota;

/// `max` messages each `per`: `100/s`, `5000/h`, `30/5s`.
///
/// ```
/// use notify_core::provider::RateLimit;
///
/// let limit: RateLimit = "600000/min".parse()?;
/// assert_eq!(limit.quota().interval(), std::time::Duration::from_micros(100));
/// assert_eq!(limit.to_string(), "600000/min");
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub struct RateLimit {
    /// How many.
    pub max: NonZeroU32,
    /// In which time, in whole seconds from 1 s to 365 days.
    pub per: Duration,
}

impl RateLimit {
    /// `max` messages each `per`, which is rounded to whole seconds from 1 s to 365 days.
    #[must_use]
    pub fn new(max: NonZeroU32, per: Duration) -> Self {
        let seconds = per.as_secs().clamp(1, 365 * 86_400);
        Self {
            max,
            per: Duration::from_secs(seconds),
        }
    }

    /// The limit as a quota, all of it at once if need be.
    #[must_use]
    pub const fn quota(&self) -> Quota {
        Quota::new(self.max, self.per)
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.per.as_secs();
        let fits = |(_, length): &&(&str, u64)| seconds.is_multiple_of(*length);
        let (unit, length) = UNITS.iter().find(fits).unwrap_or(&("s", 1));
        match seconds / length {
            1 => write!(f, "{}/{unit}", self.max),
            count => write!(f, "{}/{count}{unit}", self.max),
        }
    }
}

impl FromStr for RateLimit {
    type Err = Error;

    /// Reads `max/unit` or `max/<n>unit`; units are `s`, `min` (or `m`), `h` and `d`.
    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (max, per) = text.split_once('/')?;
            let digits = per.bytes().take_while(u8::is_ascii_digit).count();
            let (count, unit) = per.split_at(digits);
            let unit = if unit == "m" { "min" } else { unit };
            let (_, length) = UNITS.iter().find(|(name, _)| *name == unit)?;
            let count = if count.is_empty() {
                1
            } else {
                count.parse().ok()?
            };
            let seconds = length
                .checked_mul(count)
                .filter(|s| (1..=365 * 86_400).contains(s))?;
            Some(Self::new(max.parse().ok()?, Duration::from_secs(seconds)))
        };
        parse().ok_or_else(|| {
            Error::invalid("rate_limit", "is not of the form `100/s`, `30/5s`, `9/d`")
        })
    }
}

impl TryFrom<String> for RateLimit {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<RateLimit> for String {
    fn from(limit: RateLimit) -> Self {
        limit.to_string()
    }
}

const UNITS: [(&str, u64); 4] = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
