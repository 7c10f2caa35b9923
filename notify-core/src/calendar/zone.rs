//! Time zones: what the clock on the wall shows at an instant, and when it shows a time.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

use crate::calendar::{Date, MINUTE, TimeOfDay, Week};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// 1970 began on a Thursday: this long after a Monday.
const EPOCH_IN_WEEK: i64 = 3 * 24 * 60 * MINUTE;

/// The most changes of clocks that are looked at on the way out of a window. A week has one or two at most.
const MOST_CHANGES: usize = 64;

/// How far two zones are followed for an instant that both allow.
const HORIZON: Duration = Duration::from_secs(400 * 86_400);

/// A time zone of the IANA database that is built into this library. Cheap to clone.
///
/// ```
/// use notify_core::calendar::Zone;
///
/// assert!(Zone::get("Europe/Paris").is_some());
/// assert!(Zone::get("Mars/Olympus").is_none());
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The zone of the first places to reach a time of a day (UTC+14).
    pub(crate) const FIRST: Self = Self(TimeZone::fixed(jiff::tz::offset(14)));

    /// The zone with this name, such as `Europe/Paris`, in upper or lower case; `None` if there is none.
    #[must_use]
    pub fn get(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self)
    }

    /// The zone with this name if there is one, else `default`.
    #[must_use]
    pub fn get_or(name: Option<&str>, default: &Self) -> Self {
        name.and_then(Self::get).unwrap_or_else(|| default.clone())
    }

    /// Its name in the IANA database.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC+14")
    }

    /// The first instant at which the clock shows this time of this day, or something later.
    ///
    /// Where clocks go back, it is the first of two passes; where they jump over the time, it is the jump.
    ///
    /// ```
    /// use notify_core::calendar::{Date, TimeOfDay, Zone};
    ///
    /// let berlin = Zone::get("Europe/Berlin").ok_or("no zone")?;
    /// let half_past_two = TimeOfDay::new(2, 30)?;
    /// // Clocks go from 02:00 to 03:00 at 01:00 UTC.
    /// let spring = berlin.instant(Date::new(2026, 3, 29)?, half_past_two);
    /// assert_eq!(spring.to_string(), "2026-03-29T01:00:00Z");
    /// // Clocks go from 03:00 back to 02:00 at 01:00 UTC.
    /// let autumn = berlin.instant(Date::new(2026, 10, 25)?, half_past_two);
    /// assert_eq!(autumn.to_string(), "2026-10-25T00:30:00Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn instant(&self, date: Date, time: TimeOfDay) -> Timestamp {
        let (day, time) = if time == TimeOfDay::END_OF_DAY {
            (date.civil().tomorrow().ok(), TimeOfDay::MIDNIGHT)
        } else {
            (Some(date.civil()), time)
        };
        let (hour, minute) = (time.hour().cast_signed(), time.minute().cast_signed());
        day.map_or(Timestamp::MAX, |day| {
            self.first_instant(day.at(hour, minute, 0, 0)) // There is no day after the last.
        })
    }

    /// The first instant after `after` at which the clock comes to show this time, by the same rule.
    #[must_use]
    pub fn next(&self, after: Timestamp, time: TimeOfDay) -> Timestamp {
        let today = self.local_time(after).date();
        let days = std::iter::successors(Some(today), |day| day.tomorrow().ok());
        let mut times = days
            .take(3)
            .map(|day| self.instant(Date::from_civil(day), time));
        times.find(|at| *at > after).unwrap_or(Timestamp::MAX)
    }

    /// The first instant at which the clock shows this time or something later.
    pub(crate) fn first_instant(&self, local: DateTime) -> Timestamp {
        let by = |offset: Offset| offset.to_timestamp(local).map_or(Timestamp::MAX, micros);
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => by(offset),
            AmbiguousOffset::Fold { before, .. } => by(before),
            // By the clock as it is after the jump, the time is before the jump.
            AmbiguousOffset::Gap { before, after } => {
                self.change_after(by(after)).unwrap_or_else(|| by(before))
            }
        }
    }

    /// What the clock shows.
    pub(crate) fn local_time(&self, at: Timestamp) -> DateTime {
        self.0.to_datetime(instant(at))
    }

    /// The day and the time to the minute that the clock shows.
    pub(crate) fn local(&self, at: Timestamp) -> (Date, TimeOfDay) {
        let local = self.local_time(at);
        (
            Date::from_civil(local.date()),
            TimeOfDay::from_civil(local.time()),
        )
    }

    /// The zone as the library that looks for occurrences knows it.
    pub(crate) const fn inner(&self) -> &TimeZone {
        &self.0
    }

    /// Microseconds of local time since a Monday.
    fn in_week(&self, at: Timestamp) -> i64 {
        let offset = i64::from(self.0.to_offset(instant(at)).seconds()) * 1_000_000;
        at.as_micros()
            .saturating_add(offset)
            .saturating_add(EPOCH_IN_WEEK)
    }

    /// When clocks are changed next.
    fn change_after(&self, at: Timestamp) -> Option<Timestamp> {
        let next = self.0.following(instant(at)).next();
        next.map(|change| micros(change.timestamp()))
    }
}

impl Default for Zone {
    /// UTC.
    fn default() -> Self {
        Self::UTC
    }
}

impl TryFrom<String> for Zone {
    type Error = Error;

    fn try_from(name: String) -> Result<Self> {
        Self::get(&name)
            .ok_or_else(|| Error::invalid("zone", "is not an IANA time zone such as Europe/Paris"))
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name().to_owned()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The instant as the time zone library knows it; what it does not know is taken for its first or last.
fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.as_micros()).unwrap_or(if at < Timestamp::EPOCH {
        jiff::Timestamp::MIN
    } else {
        jiff::Timestamp::MAX
    })
}

pub(crate) fn micros(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_microsecond())
}

/// Times that are closed, by the clock of a zone: quiet hours, and what is outside of a send window.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The times.
    pub week: Week,
    /// Whose clock.
    pub zone: Zone,
}

impl Closed {
    /// These times by the clock of this zone.
    #[must_use]
    pub const fn new(week: Week, zone: Zone) -> Self {
        Self { week, zone }
    }

    /// Whether it is closed at this instant.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> bool {
        self.week.contains(self.zone.in_week(at))
    }

    /// The first instant from `at` on that is not closed; `None` if there is none.
    #[must_use]
    pub fn next_open(&self, at: Timestamp) -> Option<Timestamp> {
        next_outside(&self.week, &self.zone, at)
    }

    /// The first instant from `at` on that is closed; `None` if there is none.
    #[must_use]
    pub fn next_closed(&self, at: Timestamp) -> Option<Timestamp> {
        next_outside(&self.week.complement(), &self.zone, at)
    }
}

/// Goes along the clock on the wall to the end of the window, and over every change of clocks on the way.
fn next_outside(week: &Week, zone: &Zone, mut at: Timestamp) -> Option<Timestamp> {
    for _ in 0..MOST_CHANGES {
        let wait = week.until_outside(zone.in_week(at))?;
        if wait == 0 {
            return Some(at);
        }
        let open = at + Duration::from_micros(wait.unsigned_abs());
        match zone.change_after(at) {
            Some(change) if change <= open => at = change,
            _ => return Some(open),
        }
    }
    None
}

/// The first instant from `at` on at which nothing is closed; `None` if there is none within about a year.
///
/// ```
/// use notify_core::Timestamp;
/// use notify_core::calendar::{Closed, LocalWindow, Week, Zone, first_open};
///
/// let nights = Week::of(&[LocalWindow::between("22:00", "08:00")?]);
/// let closed = [Closed::new(nights, Zone::UTC)];
/// let open = first_open(&closed, Timestamp::EPOCH).ok_or("never")?;
/// assert_eq!(open.to_string(), "1970-01-01T08:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn first_open(closed: &[Closed], at: Timestamp) -> Option<Timestamp> {
    let (end, mut open) = (at + HORIZON, at);
    loop {
        let mut moved = open;
        for one in closed {
            moved = one.next_open(moved)?;
        }
        if moved == open || closed.len() == 1 {
            return Some(moved);
        }
        if moved > end {
            return None;
        }
        open = moved;
    }
}
