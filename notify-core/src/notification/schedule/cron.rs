//! The five fields of cron.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::calendar::Zone;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The longest expression, in characters.
const LONGEST: usize = 255;

/// The fields in order: how errors name them, and what they hold.
const FIELDS: [(&str, &str); 5] = [
    ("cron.minute", "from 0 to 59"),
    ("cron.hour", "from 0 to 23"),
    ("cron.day_of_month", "from 1 to 31, or L for the last"),
    ("cron.month", "from 1 to 12, or JAN to DEC"),
    (
        "cron.day_of_week",
        "from 0 (Sunday) to 7 (Sunday), or SUN to SAT",
    ),
];

/// A cron expression of five fields: minute, hour, day of month, month, day of week.
///
/// Each is `*`, a number, a range `1-5`, a step `*/15` or a list of these. Names of months and days are understood, `L` as the last
/// day of a month, `FRI#2` as the second Friday, `15W` as the weekday nearest to the 15th, and `@hourly`, `@daily`, `@weekly`,
/// `@monthly` and `@yearly`. If both a day of month and a day of week are given, either is enough.
///
/// Where clocks are changed, it is as in Vixie cron. An expression without `*` for minute and hour has fixed times: one that is
/// jumped over occurs at the jump, one that comes twice occurs in the first pass. One with `*` goes by the clock: it has no
/// occurrences in a jump, and those of both passes.
///
/// ```
/// use notify_core::notification::Cron;
///
/// assert!("0 9 L * *".parse::<Cron>().is_ok());
/// let error = "0 25 * * *".parse::<Cron>().expect_err("no such hour");
/// assert_eq!(error.field_name(), Some("cron.hour"));
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    parsed: Arc<croner::Cron>,
    /// Whether it follows the clock through jumps and repetitions, or has fixed times.
    goes_by_the_clock: bool,
}

impl Cron {
    /// The first occurrence after this instant in this zone.
    pub(super) fn next_after(&self, after: Timestamp, zone: &Zone) -> Option<Timestamp> {
        if self.goes_by_the_clock {
            // To the second below: what matches is a whole minute.
            let second = after.as_micros().div_euclid(1_000_000);
            let from = jiff::Timestamp::from_second(second).ok()?;
            let from = Zoned::new(from, zone.inner().clone());
            let next = self.parsed.find_next_occurrence(&from, false).ok()?;
            return Some(crate::calendar::micros(next.timestamp()));
        }
        // Later times of the calendar are never earlier instants; those of a first pass may be over already.
        let mut local = zone.local_time(after);
        loop {
            local = self.parsed.find_next_occurrence(&local, false).ok()?;
            let next = zone.first_instant(local);
            if next > after {
                return Some(next);
            }
        }
    }
}

fn parser() -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
}

impl FromStr for Cron {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return Err(Error::invalid(
                "cron",
                format!("is longer than {LONGEST} characters"),
            ));
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        if !text.starts_with('@') {
            check_fields(&fields)?;
        }
        let parsed = parser().parse(text).map_err(|e| {
            Error::invalid(
                "cron",
                "is neither five fields nor one of @hourly, @daily, @weekly, @monthly, @yearly",
            )
            .source(e)
        })?;
        let times = fields.iter().take(2);
        let cron = Self {
            text: fields.join(" "),
            parsed: Arc::new(parsed),
            goes_by_the_clock: text.eq_ignore_ascii_case("@hourly")
                || times.into_iter().any(|field| field.contains('*')),
        };
        if cron.next_after(Timestamp::EPOCH, &Zone::UTC).is_none() {
            return Err(Error::invalid(
                "cron",
                "never occurs: no month of its months has such a day",
            ));
        }
        Ok(cron)
    }
}

/// Names the field that cannot be read: each is tried by itself.
fn check_fields(fields: &[&str]) -> Result<()> {
    if fields.len() != FIELDS.len() {
        return Err(Error::invalid(
            "cron",
            format!(
                "has {} fields; it needs five: minute, hour, day of month, month, day of week",
                fields.len()
            ),
        ));
    }
    for (place, ((name, holds), field)) in FIELDS.iter().zip(fields).enumerate() {
        let mut alone = ["*"; 5];
        alone[place] = field;
        // Names of days and months would be understood anywhere.
        let is_name = place < 2 && field.chars().any(char::is_alphabetic);
        if let Some(e) = parser().parse(&alone.join(" ")).err() {
            return Err(bad(name, holds).source(e));
        }
        if is_name {
            return Err(bad(name, holds));
        }
    }
    Ok(())
}

fn bad(name: &str, holds: &str) -> Error {
    Error::invalid(
        name,
        format!("is no number, range, step or list of them {holds}"),
    )
}

impl TryFrom<String> for Cron {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl PartialEq for Cron {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Cron {}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
