//! Which occurrences are to be seen to now: those that just came, and what becomes of those that nobody saw to.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::notification::Schedule;

/// The most occurrences that are due at once.
pub const MAX_DUE: usize = 1_000;

/// How late an occurrence may be seen to before it counts as missed: what an ordinary poll or restart takes.
pub(super) const GRACE: Duration = Duration::from_secs(60);

/// What becomes of occurrences that nobody saw to, because no worker ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Missed {
    /// They do not happen. An occurrence counts as missed after a minute.
    Skip,
    /// The last one happens, late, and stands for all. The default: after a weekend without a worker, one report is enough.
    #[default]
    RunOnce,
    /// The last `max` happen, late, each by itself.
    RunAll {
        /// How many at most; never more than [`MAX_DUE`].
        max: u32,
    },
}

impl Schedule {
    /// The occurrences after `last` and up to `now` that are to happen now, oldest first: at most [`MAX_DUE`].
    ///
    /// `last` is the `now` of the call before, or when the schedule was made: every occurrence is then asked about once, and one that
    /// is skipped does not come back.
    ///
    /// ```
    /// use notify_core::notification::{Missed, Schedule};
    /// use notify_core::Timestamp;
    /// use std::time::Duration;
    ///
    /// let hour = Duration::from_secs(3_600);
    /// let hourly = Schedule::every(hour, Timestamp::EPOCH)?;
    /// let now = Timestamp::EPOCH + 5 * hour;
    /// assert_eq!(hourly.due(Timestamp::EPOCH, now), [now]);
    /// let each = hourly.when_missed(Missed::RunAll { max: 3 });
    /// assert_eq!(each.due(Timestamp::EPOCH, now), [now - 2 * hour, now - hour, now]);
    /// # Ok::<(), notify_core::Error>(())
    /// ```
    #[must_use]
    pub fn due(&self, last: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        match self.missed() {
            Missed::Skip => self.latest(MAX_DUE, last.max(now - GRACE), now),
            Missed::RunOnce => self.latest(1, last, now),
            Missed::RunAll { max } => {
                let max = usize::try_from(max).unwrap_or(MAX_DUE).min(MAX_DUE);
                self.latest(max, last, now)
            }
        }
    }

    /// The last `most` occurrences after `after` and up to `now`.
    ///
    /// Looks back over twice the time until it finds enough, so that a year without a worker is not gone through minute by minute.
    pub(super) fn latest(&self, most: usize, after: Timestamp, now: Timestamp) -> Vec<Timestamp> {
        if most == 0 || after >= now {
            return Vec::new();
        }
        let mut back = GRACE;
        loop {
            let from = after.max(now - back);
            let mut found = VecDeque::with_capacity(most);
            for at in self.occurrences(from).take_while(|at| *at <= now) {
                if found.len() == most {
                    found.pop_front();
                }
                found.push_back(at);
            }
            if found.len() == most || from <= after {
                return found.into();
            }
            back = back.saturating_mul(2);
        }
    }
}
