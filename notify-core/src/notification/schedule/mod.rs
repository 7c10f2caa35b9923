//! When notifications are sent: once at an instant or at a local time, or again and again. Pure: no clock, no store.

mod cron;
mod due;
mod pending;
mod send_at;

pub use cron::Cron;
pub use due::{MAX_DUE, Missed};
pub use send_at::SendAt;

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::calendar::{Date, TimeOfDay, Zone};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The shortest time between two occurrences of [`Schedule::every`].
const SHORTEST: Duration = Duration::from_secs(1);

/// The smallest step of time that is stored.
const TICK: Duration = Duration::from_micros(1);

/// When something is to be sent, once or again and again.
///
/// | made by | occurs |
/// |---|---|
/// | [`at`](Self::at) | at one instant |
/// | [`local_time`](Self::local_time) | at a time of one day, for each recipient by their own clock |
/// | [`cron`](Self::cron) | by five fields, by the clock of one zone |
/// | [`cron_local`](Self::cron_local) | by five fields, for each recipient by their own clock |
/// | [`every`](Self::every) | in even steps of real time, whatever clocks do |
///
/// Where clocks are changed: a time that is jumped over is the jump itself; of a time that comes twice the first pass counts. Cron
/// with `*` for minute or hour goes by the clock instead: it has no occurrences in a jump, and those of both passes.
///
/// An occurrence that is the recipient's own time (`local_time`, `cron_local`) is one instant here, too: the one at which the first
/// place on Earth (UTC+14) reaches it. What is made of it then waits for each recipient's own clock: see [`send_at`](Self::send_at).
///
/// ```
/// use notify_core::notification::Schedule;
/// use notify_core::Timestamp;
///
/// let mondays = Schedule::cron("0 9 * * MON", "Europe/Berlin")?;
/// let mut next = mondays.occurrences(Timestamp::EPOCH);
/// assert_eq!(next.next().map(|at| at.to_string()).as_deref(), Some("1970-01-05T08:00:00Z"));
/// assert_eq!(next.next().map(|at| at.to_string()).as_deref(), Some("1970-01-12T08:00:00Z"));
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    when: Pattern,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends: Option<Timestamp>,
    #[serde(default)]
    missed: Missed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pattern {
    At(Timestamp),
    LocalTime {
        date: Date,
        time: TimeOfDay,
    },
    Cron {
        expression: Cron,
        /// `None`: each recipient's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<Zone>,
    },
    Every {
        every: Duration,
        from: Timestamp,
    },
}

impl Schedule {
    const fn new(when: Pattern) -> Self {
        Self {
            when,
            starts: None,
            ends: None,
            missed: Missed::RunOnce,
        }
    }

    /// Once, at an instant.
    #[must_use]
    pub const fn at(at: Timestamp) -> Self {
        Self::new(Pattern::At(at))
    }

    /// Once, at a time of a day where each recipient lives.
    #[must_use]
    pub const fn local_time(date: Date, time: TimeOfDay) -> Self {
        Self::new(Pattern::LocalTime { date, time })
    }

    /// By the five fields of cron (minute, hour, day of month, month, day of week), by the clock of an IANA zone.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `schedule.zone`, or the field of the expression, such as
    /// `cron.minute`; see [`Cron`].
    pub fn cron(expression: &str, zone: &str) -> Result<Self> {
        let unknown = || {
            Error::invalid(
                "schedule.zone",
                "is not an IANA time zone such as Europe/Paris",
            )
        };
        Ok(Self::new(Pattern::Cron {
            expression: expression.parse()?,
            zone: Some(Zone::get(zone).ok_or_else(unknown)?),
        }))
    }

    /// By the five fields of cron, by each recipient's own clock.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming the field of the expression; see [`Cron`].
    pub fn cron_local(expression: &str) -> Result<Self> {
        Ok(Self::new(Pattern::Cron {
            expression: expression.parse()?,
            zone: None,
        }))
    }

    /// At `from`, and again after each `every`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `schedule.every`, if that is shorter than a second.
    pub fn every(every: Duration, from: Timestamp) -> Result<Self> {
        if every < SHORTEST {
            return Err(Error::invalid("schedule.every", "is shorter than a second"));
        }
        Ok(Self::new(Pattern::Every { every, from }))
    }

    /// Without the occurrences before `at`.
    #[must_use]
    pub const fn starting(mut self, at: Timestamp) -> Self {
        self.starts = Some(at);
        self
    }

    /// Without the occurrences from `at` on.
    #[must_use]
    pub const fn ending(mut self, at: Timestamp) -> Self {
        self.ends = Some(at);
        self
    }

    /// What becomes of occurrences that nobody saw to. Default: [`Missed::RunOnce`].
    #[must_use]
    pub const fn when_missed(mut self, rule: Missed) -> Self {
        self.missed = rule;
        self
    }

    /// What becomes of occurrences that nobody saw to.
    #[must_use]
    pub const fn missed(&self) -> Missed {
        self.missed
    }

    /// Whether it goes by each recipient's own clock.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(
            self.when,
            Pattern::LocalTime { .. } | Pattern::Cron { zone: None, .. }
        )
    }

    /// The first occurrence after this instant; `None` if there is none.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let first = self.starts.map_or(after, |at| after.max(at - TICK));
        let next = self.next_unbounded(first)?;
        self.ends.is_none_or(|end| next < end).then_some(next)
    }

    fn next_unbounded(&self, after: Timestamp) -> Option<Timestamp> {
        match &self.when {
            Pattern::At(at) => (*at > after).then_some(*at),
            Pattern::LocalTime { date, time } => {
                let at = Zone::FIRST.instant(*date, *time);
                (at > after).then_some(at)
            }
            Pattern::Cron { expression, zone } => {
                expression.next_after(after, zone.as_ref().unwrap_or(&Zone::FIRST))
            }
            Pattern::Every { every, from } => next_step(*from, (*every).max(SHORTEST), after),
        }
    }

    /// The occurrences after this instant, in order. Endless, unless the schedule ends.
    pub fn occurrences(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.next_after(after), |last| self.next_after(*last))
    }

    /// For when a request that is made of an occurrence is: for the instant, or for each recipient's own time.
    ///
    /// ```
    /// use notify_core::notification::{Schedule, SendAt};
    /// use notify_core::Timestamp;
    ///
    /// let mondays = Schedule::cron_local("0 9 * * MON")?;
    /// let occurrence = mondays.next_after(Timestamp::EPOCH).ok_or("none")?;
    /// assert_eq!(occurrence.to_string(), "1970-01-04T19:00:00Z", "when it is Monday, 9:00 on Kiritimati");
    /// assert_eq!(mondays.send_at(occurrence), SendAt::local("1970-01-05".parse()?, "09:00".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn send_at(&self, occurrence: Timestamp) -> SendAt {
        match &self.when {
            Pattern::LocalTime { date, time } => SendAt::local(*date, *time),
            Pattern::Cron { zone: None, .. } => {
                let (date, time) = Zone::FIRST.local(occurrence);
                SendAt::local(date, time)
            }
            _ => SendAt::At(occurrence),
        }
    }
}

/// The first of `from`, `from + every`, `from + 2 every` and so on that is after `after`.
fn next_step(from: Timestamp, every: Duration, after: Timestamp) -> Option<Timestamp> {
    if after < from {
        return Some(from);
    }
    let (passed, every) = (after.since(from).as_micros(), every.as_micros());
    let steps = passed / every + 1;
    let until = u64::try_from(steps.checked_mul(every)?).ok()?;
    let next = from + Duration::from_micros(until);
    (next > after).then_some(next)
}

#[cfg(test)]
mod tests;
