//! Windows laid over one another: which minutes of a week are inside.

use crate::calendar::{LocalWindow, MINUTE};

/// Minutes in a day and in a week.
const DAY: u16 = 24 * 60;
const WEEK: u16 = 7 * DAY;

/// The minutes of a week, from Monday 00:00, that are inside of some windows.
///
/// ```
/// use notify_core::calendar::{LocalWindow, Week};
///
/// let nights = Week::of(&[LocalWindow::between("22:00", "08:00")?]);
/// assert!(!nights.is_never() && !nights.is_always());
/// assert!(Week::of(&[LocalWindow::all_day()]).is_always());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Week {
    /// Stretches from (inclusive) and to (exclusive), in order, with something between them.
    inside: Vec<(u16, u16)>,
}

impl Week {
    /// What is inside of at least one of these windows.
    #[must_use]
    pub fn of(windows: &[LocalWindow]) -> Self {
        let mut stretches = Vec::with_capacity(windows.len() * 8);
        for window in windows.iter().filter(|window| window.minutes() > 0) {
            for day in window.days().iter() {
                let start = (day.number() * DAY + window.start().minutes()) % WEEK;
                let end = start + window.minutes();
                stretches.push((start, end.min(WEEK)));
                if end > WEEK {
                    stretches.push((0, end - WEEK)); // Sunday night ends on Monday.
                }
            }
        }
        stretches.sort_unstable();
        let mut inside: Vec<(u16, u16)> = Vec::with_capacity(stretches.len());
        for (start, end) in stretches {
            match inside.last_mut() {
                Some((_, last)) if start <= *last => *last = end.max(*last),
                _ => inside.push((start, end)),
            }
        }
        Self { inside }
    }

    /// What is outside of these windows.
    #[must_use]
    pub fn complement(&self) -> Self {
        let ends = std::iter::once(0).chain(self.inside.iter().map(|(_, end)| *end));
        let starts = self.inside.iter().map(|(start, _)| *start);
        let between = ends.zip(starts.chain([WEEK]));
        Self {
            inside: between.filter(|(from, to)| from < to).collect(),
        }
    }

    /// Whether nothing is inside.
    #[must_use]
    pub const fn is_never(&self) -> bool {
        self.inside.is_empty()
    }

    /// Whether everything is inside.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.inside == [(0, WEEK)]
    }

    /// Whether the clock on the wall shows a time inside, at so many microseconds of local time since Monday 00:00 of any week.
    pub(super) fn contains(&self, local: i64) -> bool {
        self.around(minute_of_week(local)).is_some()
    }

    /// How many microseconds of the clock on the wall it takes until outside: none if it is outside already, `None` if never.
    pub(super) fn until_outside(&self, local: i64) -> Option<i64> {
        let minute = minute_of_week(local);
        let Some((_, end)) = self.around(minute) else {
            return Some(0);
        };
        if self.is_always() {
            return None;
        }
        let into_monday = match self.inside.first() {
            Some((0, monday)) if end == WEEK => *monday,
            _ => 0,
        };
        let end = i64::from(end) + i64::from(into_monday);
        Some(end * MINUTE - local.rem_euclid(i64::from(WEEK) * MINUTE))
    }

    fn around(&self, minute: u16) -> Option<(u16, u16)> {
        let after = self.inside.partition_point(|(start, _)| *start <= minute);
        let last = self.inside[..after].last().copied();
        last.filter(|(_, end)| minute < *end)
    }
}

fn minute_of_week(local: i64) -> u16 {
    let minute = local.div_euclid(MINUTE).rem_euclid(i64::from(WEEK));
    u16::try_from(minute).unwrap_or(0) // Below a week.
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Weekday, Weekdays};

    fn window(start: &str, end: &str) -> LocalWindow {
        LocalWindow::between(start, end).expect("times")
    }

    /// Microseconds since Monday.
    fn at(day: Weekday, hour: i64, minute: i64) -> i64 {
        (i64::from(day.number()) * 1_440 + hour * 60 + minute) * MINUTE
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let week = Week::of(&[window("22:00", "08:00").on(Weekdays::of([Weekday::Friday]))]);
        assert!(!week.contains(at(Weekday::Friday, 7, 59)));
        assert!(week.contains(at(Weekday::Friday, 22, 0)));
        assert!(week.contains(at(Weekday::Saturday, 7, 59)));
        assert!(
            !week.contains(at(Weekday::Saturday, 8, 0)),
            "the end is outside"
        );
        assert!(!week.contains(at(Weekday::Saturday, 22, 0)));
    }

    #[test]
    fn sunday_night_ends_on_monday() {
        let week = Week::of(&[window("22:00", "08:00")]);
        let sunday = at(Weekday::Sunday, 23, 30);
        assert_eq!(week.until_outside(sunday), Some(510 * MINUTE));
        assert_eq!(
            week.until_outside(sunday + MINUTE / 2),
            Some(510 * MINUTE - MINUTE / 2)
        );
        assert!(week.contains(at(Weekday::Monday, 3, 0)));
    }

    #[test]
    fn an_empty_window_is_never_and_a_whole_day_every_day_is_always() {
        assert!(Week::of(&[window("22:00", "22:00")]).is_never());
        assert!(Week::of(&[window("00:00", "00:00")]).is_never());
        assert!(Week::of(&[window("24:00", "00:00")]).is_never());
        assert!(Week::of(&[window("24:00", "24:00")]).is_never());
        let always = Week::of(&[LocalWindow::all_day()]);
        assert!(always.is_always());
        assert_eq!(always.until_outside(0), None);
        assert!(always.complement().is_never());
        assert!(Week::default().complement().is_always());
        let halves = [window("06:00", "18:00"), window("18:00", "06:00")];
        assert!(Week::of(&halves).is_always(), "day and night");
    }

    #[test]
    fn a_day_without_an_end_is_not_the_whole_week() {
        let sunday = LocalWindow::all_day().on(Weekdays::of([Weekday::Sunday]));
        let week = Week::of(&[sunday]);
        assert_eq!(
            week.until_outside(at(Weekday::Sunday, 0, 0)),
            Some(1_440 * MINUTE)
        );
        assert_eq!(week.until_outside(at(Weekday::Monday, 0, 0)), Some(0));
    }

    #[test]
    fn every_minute_is_inside_of_a_week_or_of_its_complement() {
        let sets = [
            vec![window("22:00", "08:00").on(Weekdays::WORKDAYS)],
            vec![window("23:59", "00:01"), window("12:00", "12:01")],
            vec![
                window("09:00", "08:59"),
                LocalWindow::all_day().on(Weekdays::WEEKEND),
            ],
            vec![],
        ];
        for windows in sets {
            let week = Week::of(&windows);
            let rest = week.complement();
            assert_eq!(rest.complement(), week);
            for minute in 0..i64::from(WEEK) {
                let local = minute * MINUTE;
                let expected = windows.iter().any(|window| plainly(window, minute));
                assert_eq!(week.contains(local), expected, "{windows:?} at {minute}");
                assert_ne!(rest.contains(local), expected, "{windows:?} at {minute}");
            }
        }
    }

    /// Whether a window contains a minute of the week, without laying windows over one another.
    fn plainly(window: &LocalWindow, minute: i64) -> bool {
        let (day, time) = (minute / 1_440, minute % 1_440);
        let (start, end) = (
            i64::from(window.start().minutes()),
            i64::from(window.end().minutes()),
        );
        let begins = |day: i64| {
            let day = Weekday::ALL[usize::try_from(day.rem_euclid(7)).expect("a day")];
            window.days().contains(day)
        };
        if start <= end {
            begins(day) && start <= time && time < end
        } else {
            begins(day) && start <= time || begins(day - 1) && time < end
        }
    }
}
