//! When, how often, and in which hours notifications of a category arrive.

use std::time::Duration;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::id::ChannelId;
use crate::notification::{Category, Class, InQuietHours, SendWindow};
use crate::rate_limiter::{Cap, Excess};

impl Category {
    /// At least this long between two messages to one person on each channel: [`at_most`](Self::at_most) one in any `gap`.
    #[must_use]
    pub fn with_gap(self, gap: Duration) -> Self {
        self.at_most(1, gap)
    }

    /// What becomes of a message that the category's caps have no room for. Default: it is dropped, with the reason.
    #[must_use]
    pub const fn on_excess(mut self, rule: Excess) -> Self {
        self.on_excess = rule;
        self
    }

    /// What becomes of its messages in quiet hours, on every channel; people may say otherwise. Without it, push, SMS, chat and
    /// whatever else may wake somebody are held, email and the inbox pass. A critical category always passes.
    #[must_use]
    pub fn in_quiet_hours(mut self, rule: InQuietHours) -> Self {
        self.in_quiet_hours = Some(rule);
        self
    }

    /// In which hours its messages may arrive at all, on every channel that has no window of its own.
    #[must_use]
    pub fn send_window(mut self, window: SendWindow) -> Self {
        self.send_windows.retain(|(on, _)| on.is_some());
        self.send_windows.push((None, window));
        self
    }

    /// In which hours its messages may arrive at all on `channel`. Default: [`SendWindow::tcpa`] for marketing by SMS, any time for
    /// all else; [`SendWindow::always`] lifts it.
    #[must_use]
    pub fn send_window_on(mut self, channel: impl Into<ChannelId>, window: SendWindow) -> Self {
        let channel = Some(channel.into());
        self.send_windows.retain(|(on, _)| *on != channel);
        self.send_windows.push((channel, window));
        self
    }

    /// Lets its messages to one person gather on each channel, and leave as one. A request may say otherwise, with
    /// [`with_digest`](crate::notification::NotificationRequest::with_digest).
    ///
    /// What goes by itself all the same: a request for [a later time](crate::notification::NotificationRequest::at), one with
    /// attachments, one that would expire before the digest leaves, and a step of a route that waits for another or that another
    /// waits for.
    #[must_use]
    pub const fn with_digest(mut self, digest: Digest) -> Self {
        self.digest = Some(digest);
        self
    }

    /// How its messages gather.
    #[must_use]
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// What becomes of a message that the category's caps have no room for.
    #[must_use]
    pub const fn excess(&self) -> Excess {
        self.on_excess
    }

    /// What the category says of quiet hours.
    #[must_use]
    pub const fn quiet_rule(&self) -> Option<&InQuietHours> {
        self.in_quiet_hours.as_ref()
    }

    /// The hours in which its messages may arrive on `channel`; `None` is any time.
    #[must_use]
    pub fn window_on(&self, channel: &ChannelId) -> Option<SendWindow> {
        let on = |wanted: Option<&ChannelId>| {
            let found = self.send_windows.iter();
            let mut found = found.filter(|(on, _)| on.as_ref() == wanted);
            found.next().map(|(_, window)| window.clone())
        };
        let own = on(Some(channel)).or_else(|| on(None));
        let is_regulated = self.class == Class::Marketing && *channel == ChannelId::SMS;
        own.or_else(|| is_regulated.then(SendWindow::tcpa))
    }

    pub(super) fn validate_timing(&self) -> Result<()> {
        for (_, window) in &self.send_windows {
            window.validate().map_err(|e| {
                Error::new(ErrorKind::Config, format!("category {}: {e}", self.id)).source(e)
            })?;
        }
        if let Some(digest) = &self.digest {
            digest.validate().map_err(|e| {
                Error::new(ErrorKind::Config, format!("category {}: {e}", self.id)).source(e)
            })?;
        }
        if self.caps.iter().any(|(_, cap)| cap.window.is_zero()) {
            return Err(Error::new(
                ErrorKind::Config,
                format!(
                    "category {} has a cap or gap over no time at all; give it a window",
                    self.id
                ),
            ));
        }
        Ok(())
    }

    /// The caps that hold on `channel`, each with what becomes of what it has no room for.
    pub(crate) fn cap_rules<'a>(
        &'a self,
        channel: &'a ChannelId,
    ) -> impl Iterator<Item = (Cap, Excess)> {
        self.caps(channel).map(|cap| (*cap, self.on_excess))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advertising_by_sms_has_the_window_of_the_law_and_nothing_else_has() {
        let ads = Category::marketing("ads");
        assert_eq!(ads.window_on(&ChannelId::SMS), Some(SendWindow::tcpa()));
        assert_eq!(ads.window_on(&ChannelId::EMAIL), None);
        let orders = Category::transactional("orders");
        assert_eq!(orders.window_on(&ChannelId::SMS), None);
    }

    #[test]
    fn the_window_of_a_channel_stands_before_that_of_the_category() {
        let noon = SendWindow::between("12:00", "13:00").expect("times");
        let ads = Category::marketing("ads")
            .send_window(noon.clone())
            .send_window_on("email", SendWindow::always());
        assert_eq!(ads.window_on(&ChannelId::SMS), Some(noon));
        assert_eq!(ads.window_on(&ChannelId::EMAIL), Some(SendWindow::always()));
        let again = ads.send_window_on("email", SendWindow::tcpa());
        assert_eq!(again.window_on(&ChannelId::EMAIL), Some(SendWindow::tcpa()));
    }

    #[test]
    fn a_category_that_could_never_send_cannot_exist() {
        let never = Category::marketing("ads").send_window(SendWindow::of([]));
        let error = never.validate().expect_err("never open");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("ads"), "{error}");
        let gap = Category::marketing("ads").with_gap(Duration::ZERO);
        assert!(gap.validate().is_err());
    }
}
