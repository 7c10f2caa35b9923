//! Quiet hours: when a person is not to be disturbed, on which channels, and what becomes of what comes then.

mod effective;

pub use effective::{Quiet, quiet_hours};

use serde::{Deserialize, Serialize};

use crate::calendar::{LocalWindow, TimeOfDay, Zone};
use crate::error::{Error, Result};
use crate::id::{CategoryId, ChannelId};
use crate::notification::{InQuietHours, at_most_windows};

/// The most rules one layer may have.
const MAX_RULES: usize = 256;

/// 22:00 to 08:00 every day: the quiet hours of whoever turns them on and says no more.
pub const PRESET: LocalWindow = LocalWindow::new(TimeOfDay::hours(22), TimeOfDay::hours(8));

/// By whose clock quiet hours are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum QuietZone {
    /// Where the person lives: the recipient's zone, or the application's default.
    #[default]
    Recipient,
    /// This IANA zone. One that is not known is taken for [`Recipient`](Self::Recipient).
    Named(String),
}

/// What one layer (the application, the tenant, a person) says of quiet hours. What it leaves open, the layer below says.
///
/// They are off until the application or the person turns them on. They then hold what may wake somebody: push, SMS, chat and every
/// channel but email and the inbox, which pass. Messages of class [`Critical`](crate::Class::Critical) always pass; a priority
/// does not help.
///
/// ```
/// use notify_core::notification::InQuietHours;
/// use notify_core::preference::{PreferenceChange, QuietHours, QuietRule};
/// use notify_core::{ChannelId, RecipientId};
///
/// let quiet = QuietHours::between("22:30", "07:00")?
///     .with_rule(QuietRule::for_category("chats").then(InQuietHours::Drop))
///     .with_rule(QuietRule::for_channel(ChannelId::EMAIL).then(InQuietHours::Hold));
/// let change = PreferenceChange::QuietHours { recipient: "ada".into(), quiet_hours: quiet };
/// assert!(change.validate().is_ok());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuietHours {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<Vec<LocalWindow>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    zone: Option<QuietZone>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    then: Option<InQuietHours>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<QuietRule>,
}

impl QuietHours {
    /// Says nothing: the layer below decides.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Turned on, in the windows that the layer below says; if none does, [`PRESET`].
    #[must_use]
    pub fn on() -> Self {
        Self {
            on: Some(true),
            ..Self::default()
        }
    }

    /// Turned off, whatever the layers below say.
    #[must_use]
    pub fn off() -> Self {
        Self {
            on: Some(false),
            ..Self::default()
        }
    }

    /// Turned on, every day from and to times written like `22:30`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `time`, if one is no time of a day.
    pub fn between(start: &str, end: &str) -> Result<Self> {
        Ok(Self::on().with_windows([LocalWindow::between(start, end)?]))
    }

    /// In these windows, at most [`MAX_WINDOWS`](crate::notification::MAX_WINDOWS). None at all is never.
    #[must_use]
    pub fn with_windows(mut self, windows: impl IntoIterator<Item = LocalWindow>) -> Self {
        self.windows = Some(windows.into_iter().collect());
        self
    }

    /// By the clock of this IANA zone, wherever the person lives.
    #[must_use]
    pub fn in_zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = Some(QuietZone::Named(zone.into()));
        self
    }

    /// By the person's own clock, whatever the layers below say.
    #[must_use]
    pub fn in_own_zone(mut self) -> Self {
        self.zone = Some(QuietZone::Recipient);
        self
    }

    /// What becomes of what they keep back. Default: it is held. What passes by a rule or by its channel still passes.
    #[must_use]
    pub fn then(mut self, rule: InQuietHours) -> Self {
        self.then = Some(rule);
        self
    }

    /// Says something else of a category, a channel, or a category on a channel; replaces what was said of the same.
    #[must_use]
    pub fn with_rule(mut self, rule: QuietRule) -> Self {
        self.set_rule(rule);
        self
    }

    pub(super) fn set_rule(&mut self, rule: QuietRule) {
        self.rules.retain(|old| !old.is_about_the_same(&rule));
        if rule.says_something() {
            self.rules.push(rule);
        }
    }

    /// Whether they are on; `None` if this layer does not say.
    #[must_use]
    pub const fn is_on(&self) -> Option<bool> {
        self.on
    }

    /// The windows; `None` if this layer does not say.
    #[must_use]
    pub fn windows(&self) -> Option<&[LocalWindow]> {
        self.windows.as_deref()
    }

    /// By whose clock; `None` if this layer does not say.
    #[must_use]
    pub const fn zone(&self) -> Option<&QuietZone> {
        self.zone.as_ref()
    }

    /// What is said of single categories and channels.
    #[must_use]
    pub fn rules(&self) -> &[QuietRule] {
        &self.rules
    }

    /// Whether nothing is said at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The channels that something may be rerouted to.
    pub(crate) fn reroutes(&self) -> impl Iterator<Item = &ChannelId> {
        let rules = self.rules.iter().map(|rule| rule.then.as_ref());
        rules
            .chain([self.then.as_ref()])
            .filter_map(|then| match then {
                Some(InQuietHours::Reroute(to)) => Some(to),
                _ => None,
            })
    }

    /// Checks the zone and how much there is.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `quiet_hours.zone`, `quiet_hours.windows` or `quiet_hours.rules`.
    pub fn validate(&self) -> Result<()> {
        const WINDOWS: &str = "quiet_hours.windows";
        if let Some(QuietZone::Named(name)) = &self.zone
            && Zone::get(name).is_none()
        {
            return Err(Error::invalid(
                "quiet_hours.zone",
                "is not an IANA time zone such as Europe/Paris",
            ));
        }
        if self.rules.len() > MAX_RULES {
            return Err(Error::invalid(
                "quiet_hours.rules",
                format!("are more than {MAX_RULES}"),
            ));
        }
        at_most_windows(WINDOWS, self.windows().unwrap_or_default())?;
        self.rules.iter().try_for_each(|rule| {
            at_most_windows(WINDOWS, rule.windows.as_deref().unwrap_or_default())
        })
    }

    /// What the most exact rule that says it says of a category on a channel. A category is more exact than a channel.
    fn said<'a, T>(
        &'a self,
        category: &CategoryId,
        channel: &ChannelId,
        what: impl Fn(&'a QuietRule) -> Option<T>,
    ) -> Option<T> {
        let applies = |rule: &&QuietRule| {
            rule.category.as_ref().is_none_or(|own| own == category)
                && rule.channel.as_ref().is_none_or(|own| own == channel)
        };
        let rules = self.rules.iter().filter(applies);
        let said = rules.filter_map(|rule| {
            let exactness = (rule.category.is_some(), rule.channel.is_some());
            Some((exactness, what(rule)?))
        });
        said.max_by_key(|(exactness, _)| *exactness)
            .map(|(_, said)| said)
    }
}

/// What is said of a category, a channel, or a category on a channel, besides what quiet hours say in general.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuietRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    category: Option<CategoryId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    channel: Option<ChannelId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    then: Option<InQuietHours>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    windows: Option<Vec<LocalWindow>>,
}

impl QuietRule {
    const fn about(category: Option<CategoryId>, channel: Option<ChannelId>) -> Self {
        Self {
            category,
            channel,
            then: None,
            windows: None,
        }
    }

    /// About a category on every channel, also on those that pass by default.
    #[must_use]
    pub fn for_category(category: impl Into<CategoryId>) -> Self {
        Self::about(Some(category.into()), None)
    }

    /// About every category on a channel.
    #[must_use]
    pub fn for_channel(channel: impl Into<ChannelId>) -> Self {
        Self::about(None, Some(channel.into()))
    }

    /// About a category on a channel.
    #[must_use]
    pub fn for_cell(category: impl Into<CategoryId>, channel: impl Into<ChannelId>) -> Self {
        Self::about(Some(category.into()), Some(channel.into()))
    }

    /// What becomes of these messages.
    #[must_use]
    pub fn then(mut self, rule: InQuietHours) -> Self {
        self.then = Some(rule);
        self
    }

    /// Other windows for these messages.
    #[must_use]
    pub fn with_windows(mut self, windows: impl IntoIterator<Item = LocalWindow>) -> Self {
        self.windows = Some(windows.into_iter().collect());
        self
    }

    fn is_about_the_same(&self, other: &Self) -> bool {
        self.category == other.category && self.channel == other.channel
    }

    const fn says_something(&self) -> bool {
        self.then.is_some() || self.windows.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_replaces_what_was_said_of_the_same_and_an_empty_one_takes_it_back() {
        let rule = || QuietRule::for_cell("orders", "sms");
        let quiet = QuietHours::on()
            .with_rule(rule().then(InQuietHours::Drop))
            .with_rule(rule().then(InQuietHours::Pass))
            .with_rule(QuietRule::for_channel("sms").then(InQuietHours::Drop));
        assert_eq!(quiet.rules().len(), 2);
        assert_eq!(quiet.with_rule(rule()).rules().len(), 1);
    }

    #[test]
    fn what_cannot_hold_is_refused_with_its_field() {
        let cases = [
            ("quiet_hours.zone", QuietHours::on().in_zone("Mars/Olympus")),
            ("quiet_hours.zone", QuietHours::on().in_zone("")),
            (
                "quiet_hours.windows",
                QuietHours::on().with_windows((0..33).map(|_| PRESET)),
            ),
            (
                "quiet_hours.windows",
                QuietHours::on()
                    .with_rule(QuietRule::for_channel("sms").with_windows((0..33).map(|_| PRESET))),
            ),
            (
                "quiet_hours.rules",
                (0..257).fold(QuietHours::on(), |quiet, no| {
                    let rule = QuietRule::for_category(format!("c-{no}"));
                    quiet.with_rule(rule.then(InQuietHours::Drop))
                }),
            ),
        ];
        for (field, quiet) in cases {
            let error = quiet.validate().expect_err(field);
            assert_eq!(error.field_name(), Some(field));
        }
        assert!(QuietHours::on().in_zone("Asia/Tokyo").validate().is_ok());
    }

    #[test]
    fn quiet_hours_read_back_and_those_that_say_nothing_are_not_written() {
        let quiet = QuietHours::between("22:00", "08:00")
            .expect("times")
            .in_zone("Asia/Kathmandu")
            .then(InQuietHours::Reroute(ChannelId::IN_APP))
            .with_rule(QuietRule::for_category("chats").then(InQuietHours::Drop));
        let json = serde_json::to_string(&quiet).expect("writes");
        assert_eq!(
            serde_json::from_str::<QuietHours>(&json).expect("reads"),
            quiet
        );
        assert_eq!(
            serde_json::to_string(&QuietHours::new()).expect("writes"),
            "{}"
        );
        assert!(QuietHours::new().is_empty() && !QuietHours::off().is_empty());
    }
}
