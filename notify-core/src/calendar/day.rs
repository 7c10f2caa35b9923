//! Days of a calendar, days of the week, and times of a day.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A day of the calendar, the same day everywhere: `2026-03-29`.
///
/// ```
/// use notify_core::calendar::Date;
///
/// let day: Date = "2028-02-29".parse()?;
/// assert_eq!(day, Date::new(2028, 2, 29)?);
/// assert!(Date::new(2027, 2, 29).is_err(), "no leap year");
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Date(jiff::civil::Date);

impl Date {
    /// The day of this year, month (1 to 12) and day of the month.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `date`, if the month has no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self> {
        jiff::civil::Date::new(year, month, day)
            .map(Self)
            .map_err(|e| Error::invalid("date", "is no day of the calendar").source(e))
    }

    /// The year, from -9999 to 9999.
    #[must_use]
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, from 1.
    #[must_use]
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day(self) -> i8 {
        self.0.day()
    }

    pub(super) const fn from_civil(date: jiff::civil::Date) -> Self {
        Self(date)
    }

    pub(super) const fn civil(self) -> jiff::civil::Date {
        self.0
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse()
            .map(Self)
            .map_err(|e| Error::invalid("date", "is no day such as 2026-03-29").source(e))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time of a day to the minute, `00:00` to `24:00`; the last is the end of the day.
///
/// ```
/// use notify_core::calendar::TimeOfDay;
///
/// let evening: TimeOfDay = "22:00".parse()?;
/// assert_eq!((evening.hour(), evening.minute()), (22, 0));
/// assert!("22:60".parse::<TimeOfDay>().is_err());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// The beginning of a day.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of a day.
    pub const END_OF_DAY: Self = Self(24 * 60);

    /// The time at this hour (0 to 24) and minute (0 to 59).
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `time`, if no clock shows it.
    pub fn new(hour: u8, minute: u8) -> Result<Self> {
        let minutes = u16::from(hour) * 60 + u16::from(minute);
        if minute < 60 && minutes <= Self::END_OF_DAY.0 {
            Ok(Self(minutes))
        } else {
            Err(Error::invalid(
                "time",
                "is no time of a day from 00:00 to 24:00",
            ))
        }
    }

    /// The full hour, for constants; 24 and above is the end of the day.
    pub(crate) const fn hours(hour: u8) -> Self {
        Self(if hour < 24 { hour as u16 * 60 } else { 24 * 60 })
    }

    /// The hour, 0 to 24.
    #[must_use]
    pub const fn hour(self) -> u8 {
        (self.0 / 60) as u8
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u8 {
        (self.0 % 60) as u8
    }

    /// Minutes since the beginning of the day.
    pub(super) const fn minutes(self) -> u16 {
        self.0
    }

    pub(super) fn from_civil(time: jiff::civil::Time) -> Self {
        let part = |number: i8| u16::from(number.unsigned_abs());
        Self(part(time.hour()) * 60 + part(time.minute()))
    }
}

impl FromStr for TimeOfDay {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| {
            let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        let parts = text.split_once(':');
        parts
            .and_then(|(hour, minute)| Self::new(number(hour)?, number(minute)?).ok())
            .ok_or_else(|| Error::invalid("time", "is no time of a day such as 08:30, up to 24:00"))
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour(), self.minute())
    }
}

impl fmt::Debug for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the week has seven days")]
pub enum Weekday {
    /// The first day of the week, as in ISO 8601.
    Monday,
    /// The second.
    Tuesday,
    /// The third.
    Wednesday,
    /// The fourth.
    Thursday,
    /// The fifth.
    Friday,
    /// The sixth.
    Saturday,
    /// The last.
    Sunday,
}

impl Weekday {
    /// The week.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// Days since Monday.
    pub(super) const fn number(self) -> u16 {
        self as u16
    }
}

/// Some days of the week. Stored as a list of names.
///
/// ```
/// use notify_core::calendar::{Weekday, Weekdays};
///
/// assert!(Weekdays::WORKDAYS.contains(Weekday::Friday));
/// assert!(!Weekdays::of([Weekday::Sunday]).contains(Weekday::Friday));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Vec<Weekday>", into = "Vec<Weekday>")]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const WORKDAYS: Self = Self(0b001_1111);
    /// Saturday and Sunday.
    pub const WEEKEND: Self = Self(0b110_0000);

    /// These days.
    #[must_use]
    pub fn of(days: impl IntoIterator<Item = Weekday>) -> Self {
        let bits = days.into_iter().map(|day| 1 << day.number());
        Self(bits.fold(0, |all, bit| all | bit))
    }

    /// Whether this day is one of them.
    #[must_use]
    pub const fn contains(self, day: Weekday) -> bool {
        self.0 >> day.number() & 1 == 1
    }

    /// The days, from Monday on.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::ALL
            .into_iter()
            .filter(move |day| self.contains(*day))
    }

    /// Whether it is every day.
    #[must_use]
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde asks with a reference"
    )]
    pub(super) const fn is_all(&self) -> bool {
        self.0 == Self::ALL.0
    }
}

impl Default for Weekdays {
    /// Every day.
    fn default() -> Self {
        Self::ALL
    }
}

impl From<Vec<Weekday>> for Weekdays {
    fn from(days: Vec<Weekday>) -> Self {
        Self::of(days)
    }
}

impl From<Weekdays> for Vec<Weekday> {
    fn from(days: Weekdays) -> Self {
        days.iter().collect()
    }
}

impl fmt::Debug for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_day_are_written_and_read_to_the_minute() {
        for text in ["00:00", "08:30", "23:59", "24:00"] {
            assert_eq!(text.parse::<TimeOfDay>().expect(text).to_string(), text);
        }
        for text in ["", "8:30", "24:01", "12:60", "+1:00", "12:00:00", "１2:00"] {
            let error = text.parse::<TimeOfDay>().expect_err(text);
            assert_eq!(error.field_name(), Some("time"), "{text}");
        }
        assert!(serde_json::from_str::<TimeOfDay>("\"25:00\"").is_err());
    }

    #[test]
    fn a_date_that_no_month_has_is_refused() {
        for (year, month, day) in [(2027, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 1, 0)] {
            assert!(Date::new(year, month, day).is_err(), "{year}-{month}-{day}");
        }
        assert!(Date::new(2028, 2, 29).is_ok());
        let day: Date = serde_json::from_str("\"2026-12-31\"").expect("reads");
        assert_eq!(
            serde_json::to_string(&day).expect("writes"),
            "\"2026-12-31\""
        );
    }

    #[test]
    fn weekdays_read_back_as_a_list() {
        let days = Weekdays::of([Weekday::Sunday, Weekday::Monday]);
        let json = serde_json::to_string(&days).expect("writes");
        assert_eq!(json, r#"["monday","sunday"]"#);
        assert_eq!(
            serde_json::from_str::<Weekdays>(&json).expect("reads"),
            days
        );
        assert_eq!(Weekdays::WORKDAYS.iter().count(), 5);
        assert_eq!(
            Weekdays::WEEKEND,
            Weekdays::of([Weekday::Saturday, Weekday::Sunday])
        );
    }
}
