//! At what time of day a notification may arrive: what becomes of it in quiet hours, and the windows the law leaves open.

use serde::{Deserialize, Serialize};

use crate::calendar::{Closed, LocalWindow, TimeOfDay, Week, Zone};
use crate::error::{Error, Result};
use crate::id::ChannelId;

/// The most windows that one setting may have.
pub const MAX_WINDOWS: usize = 32;

/// What becomes of a message that comes due in a person's quiet hours.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InQuietHours {
    /// It arrives all the same.
    Pass,
    /// It waits for their end.
    Hold,
    /// It is not sent: suppressed, with the reason.
    Drop,
    /// It takes another, silent channel, such as `in_app`. Where that one cannot be used either, it waits for their end; so does what
    /// was accepted before they began, since a delivery keeps its channel.
    Reroute(ChannelId),
    /// It waits for their end, and leaves together with what else of its category waited on the channel: as one
    /// [digest](crate::digest::Digest), whether the category has one at other times or not. What goes by itself where others gather
    /// (see [`Category::with_digest`](crate::notification::Category::with_digest)) is held as by [`Hold`](Self::Hold); so is everything
    /// in a store without digests.
    Digest,
}

/// The hours in which messages of a category may arrive at all, by the recipient's clock: a matter of law, not of taste.
///
/// A message that comes due outside waits for the window. Nobody's preferences widen it.
///
/// ```
/// use notify_core::calendar::Weekdays;
/// use notify_core::notification::SendWindow;
/// use notify_core::{Category, ChannelId};
///
/// let office = SendWindow::between("09:00", "18:00")?.on(Weekdays::WORKDAYS);
/// let offers = Category::marketing("offers").send_window_on(ChannelId::SMS, office);
/// assert!(offers.validate().is_ok());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SendWindow {
    open: Vec<LocalWindow>,
}

impl SendWindow {
    /// 08:00 to 21:00 every day: when advertising may reach a phone in the United States.
    ///
    /// Source: Telephone Consumer Protection Act, 47 CFR § 64.1200(c)(1), "local time at the called party's location". Some
    /// states close earlier.
    #[must_use]
    pub fn tcpa() -> Self {
        Self::of([LocalWindow::new(TimeOfDay::hours(8), TimeOfDay::hours(21))])
    }

    /// At any time.
    #[must_use]
    pub fn always() -> Self {
        Self::of([LocalWindow::all_day()])
    }

    /// In any of these windows, at most [`MAX_WINDOWS`].
    #[must_use]
    pub fn of(open: impl IntoIterator<Item = LocalWindow>) -> Self {
        Self {
            open: open.into_iter().collect(),
        }
    }

    /// From and to times written like `08:30`, every day.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `time`, if one is no time of a day.
    pub fn between(start: &str, end: &str) -> Result<Self> {
        Ok(Self::of([LocalWindow::between(start, end)?]))
    }

    /// Beginning on these days only.
    #[must_use]
    pub fn on(mut self, days: crate::calendar::Weekdays) -> Self {
        for window in &mut self.open {
            *window = window.on(days);
        }
        self
    }

    /// The windows.
    #[must_use]
    pub fn windows(&self) -> &[LocalWindow] {
        &self.open
    }

    /// The times outside, by the clock of this zone; `None` if it is always open.
    #[must_use]
    pub fn closed(&self, zone: &Zone) -> Option<Closed> {
        let closed = Week::of(&self.open).complement();
        (!closed.is_never()).then(|| Closed::new(closed, zone.clone()))
    }

    /// Checks that there is a time at which it is open, and that there are at most [`MAX_WINDOWS`].
    pub(crate) fn validate(&self) -> Result<()> {
        if Week::of(&self.open).is_never() {
            return Err(Error::invalid("send_window", "is never open"));
        }
        at_most_windows("send_window", &self.open)
    }
}

pub(crate) fn at_most_windows(field: &'static str, windows: &[LocalWindow]) -> Result<()> {
    if windows.len() > MAX_WINDOWS {
        return Err(Error::invalid(
            field,
            format!("has more than {MAX_WINDOWS} windows"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Date;
    use crate::calendar::first_open;

    #[test]
    fn a_message_that_comes_in_the_evening_waits_for_the_morning_where_the_person_lives() {
        let zone = Zone::get("America/Los_Angeles").expect("a zone");
        let closed = SendWindow::tcpa().closed(&zone).expect("not always open");
        let local = |day: i8, time: &str| {
            let date = Date::new(2026, 7, day).expect("a day");
            zone.instant(date, time.parse().expect("a time"))
        };
        let closed = [closed];
        assert_eq!(
            first_open(&closed, local(1, "20:59")),
            Some(local(1, "20:59"))
        );
        assert_eq!(
            first_open(&closed, local(1, "21:00")),
            Some(local(2, "08:00")),
            "the end is outside"
        );
        assert_eq!(
            first_open(&closed, local(2, "07:59")),
            Some(local(2, "08:00"))
        );
        assert_eq!(SendWindow::always().closed(&zone), None);
    }

    #[test]
    fn a_window_that_never_opens_is_refused() {
        let never = SendWindow::between("08:00", "08:00").expect("times");
        assert_eq!(
            never.validate().expect_err("never").field_name(),
            Some("send_window")
        );
        assert!(SendWindow::of([]).validate().is_err());
        let many = (0..33).map(|_| LocalWindow::all_day());
        assert!(SendWindow::of(many).validate().is_err());
        assert!(SendWindow::tcpa().validate().is_ok());
    }
}
