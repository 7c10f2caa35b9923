//! A stretch of local time that comes again every week.

use serde::{Deserialize, Serialize};

use crate::calendar::{TimeOfDay, Weekdays};
use crate::error::Result;

/// A stretch of local time on some days of the week. It contains its start and not its end.
///
/// An end that is not after the start is on the next day: 22:00–08:00 on Fridays ends on Saturday. The days are those on which it
/// begins. An end equal to the start is an empty window; a whole day is 00:00–24:00.
///
/// ```
/// use notify_core::calendar::{LocalWindow, Weekdays};
///
/// let night = LocalWindow::between("22:00", "08:00")?.on(Weekdays::WORKDAYS);
/// assert_eq!(night.start().hour(), 22);
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LocalWindow {
    start: TimeOfDay,
    end: TimeOfDay,
    #[serde(default, skip_serializing_if = "Weekdays::is_all")]
    days: Weekdays,
}

impl LocalWindow {
    /// From `start` to `end`, every day.
    #[must_use]
    pub const fn new(start: TimeOfDay, end: TimeOfDay) -> Self {
        Self {
            start,
            end,
            days: Weekdays::ALL,
        }
    }

    /// From and to times written like `08:30`, every day.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `time`, if one is no time of a day.
    pub fn between(start: &str, end: &str) -> Result<Self> {
        Ok(Self::new(start.parse()?, end.parse()?))
    }

    /// The whole day, every day.
    #[must_use]
    pub const fn all_day() -> Self {
        Self::new(TimeOfDay::MIDNIGHT, TimeOfDay::END_OF_DAY)
    }

    /// Beginning on these days only.
    #[must_use]
    pub const fn on(mut self, days: Weekdays) -> Self {
        self.days = days;
        self
    }

    /// When it begins.
    #[must_use]
    pub const fn start(&self) -> TimeOfDay {
        self.start
    }

    /// When it ends: on the next day, if that is not after the start.
    #[must_use]
    pub const fn end(&self) -> TimeOfDay {
        self.end
    }

    /// The days on which it begins.
    #[must_use]
    pub const fn days(&self) -> Weekdays {
        self.days
    }

    /// How many minutes it has by the clock on the wall.
    pub(super) const fn minutes(&self) -> u16 {
        let (start, end) = (self.start.minutes(), self.end.minutes());
        if end >= start {
            end - start
        } else {
            end + TimeOfDay::END_OF_DAY.minutes() - start
        }
    }
}
