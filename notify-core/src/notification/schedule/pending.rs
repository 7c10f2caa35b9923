//! Which occurrences somebody is still to be told of: an occurrence by each person's own clock is over at another instant for each.

use std::time::Duration;

use crate::calendar::Zone;
use crate::clock::Timestamp;
use crate::notification::schedule::due::GRACE;
use crate::notification::{MAX_DUE, Missed, Schedule};

/// How long after the first place on Earth the last one shows the same time: 26 hours, and what a change of clocks adds.
const AROUND_THE_EARTH: Duration = Duration::from_secs(28 * 3_600);

impl Schedule {
    /// The occurrences after `last` and up to `now` that somebody may still be told of, oldest first: at most [`MAX_DUE`].
    ///
    /// By the clock of one zone, or in steps of real time, these are those that are [`due`](Self::due). An occurrence by each
    /// recipient's own clock came up where clocks are most ahead, and may lie before others: [`is_for`](Self::is_for) says whom it is
    /// for. `last` is the last one that was seen to.
    ///
    /// ```
    /// use notify_core::calendar::Zone;
    /// use notify_core::notification::{Missed, Schedule};
    /// use notify_core::Timestamp;
    /// use std::time::Duration;
    ///
    /// let mondays = Schedule::cron_local("0 9 * * MON")?.when_missed(Missed::Skip);
    /// let start = Timestamp::from_micros(1_800_000_000_000_000); // in January 2027
    /// let first = mondays.next_after(start).ok_or("none")?;
    /// let later = first + Duration::from_secs(3 * 3_600); // nobody looked for three hours
    /// assert_eq!(mondays.pending(start, later), [first]);
    /// let there = |name| Zone::get(name).ok_or("no such zone");
    /// assert!(mondays.is_for(first, &there("Europe/Berlin")?, later), "still to come");
    /// assert!(!mondays.is_for(first, &there("Pacific/Kiritimati")?, later), "missed");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn pending(&self, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        if !self.is_local() {
            return self.due(last, now);
        }
        // Before this an occurrence is over for everybody.
        let over = now - AROUND_THE_EARTH;
        let mut pending = match self.missed() {
            Missed::Skip => Vec::new(),
            Missed::RunOnce => self.latest(1, last, over),
            Missed::RunAll { max } => self.latest(most(max), last, over),
        };
        let upcoming = self.occurrences(last.max(over));
        pending.extend(upcoming.take_while(|at| *at <= now));
        pending.truncate(MAX_DUE);
        pending
    }

    /// Whether an occurrence that came up is for people in this zone: still to come there, or missed and to be made up for.
    ///
    /// Where it is missed depends on [`when_missed`](Self::when_missed), as [`due`](Self::due) has it.
    #[must_use]
    pub fn is_for(&self, occurrence: Timestamp, zone: &Zone, now: Timestamp) -> bool {
        if !self.is_local() {
            // What is missed was left out already.
            return true;
        }
        let there = |at: Timestamp| self.send_at(at).instant(zone);
        // Whether so many after it have come, too: then those stand for it.
        let is_followed_by = |count: usize| {
            let mut later = self.occurrences(occurrence);
            later.nth(count - 1).is_some_and(|at| there(at) <= now)
        };
        match self.missed() {
            Missed::Skip => there(occurrence) >= now - GRACE,
            Missed::RunOnce => !is_followed_by(1),
            Missed::RunAll { max: 0 } => there(occurrence) > now,
            Missed::RunAll { max } => !is_followed_by(most(max)),
        }
    }
}

fn most(max: u32) -> usize {
    usize::try_from(max).unwrap_or(MAX_DUE).min(MAX_DUE)
}
