//! A kind of notification a user can have an opinion about, and what the law and the application say of it.

mod timing;
mod tracking;
mod words;

pub use tracking::Tracking;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CategoryId, ChannelId};
use crate::notification::{InQuietHours, Priority, Route, SendWindow};
use crate::rate_limiter::{Cap, Excess};
use crate::retry::RetryPolicy;

/// What a category is in law. Apart from [`Priority`], which is a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "every rule of law here must be thought through for each class"
)]
pub enum Class {
    /// Needs consent and carries a way to unsubscribe.
    Marketing,
    /// Follows from something the person did: receipts, confirmations.
    Transactional,
    /// Never optional, passes quiet hours and caps: security, safety.
    Critical,
}

impl Class {
    /// The name in tables and documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "marketing",
            Self::Transactional => "transactional",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "marketing" => Ok(Self::Marketing),
            "transactional" => Ok(Self::Transactional),
            "critical" => Ok(Self::Critical),
            _ => Err(Error::invalid(
                "class",
                "is none of critical, transactional, marketing",
            )),
        }
    }
}

/// What to do when it is not known whether a message went out (a crash or a cut-off after the first byte)
/// and the provider does not honour idempotency keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "there is no third thing to do")]
pub enum OnUnknown {
    /// Send again: at least once. Default of critical and transactional categories.
    Resend,
    /// Leave it and show it to an operator: at most once. Default of marketing categories.
    Park,
}

/// A registered kind of notification. Users' preferences, law, lanes, caps and retries hang on it.
///
/// | default of | critical | transactional | marketing |
/// |---|---|---|---|
/// | priority (and ceiling) | critical | high | low |
/// | channels on | all | push, email, in_app and others, not sms | email, once consent is recorded |
/// | optional | no | yes | yes |
/// | outcome unknown | resend | resend | park |
/// | quiet hours | pass | hold on push, SMS, chat | hold on push, SMS, chat |
/// | send window | none | none | SMS 08:00–21:00 local time |
/// | frequency caps of the application | exempt | exempt | push 5/h, email 3/24 h, others 10/h |
///
/// ```
/// use notify_core::{Category, ChannelId, Priority};
/// use std::time::Duration;
///
/// let news = Category::marketing("news").at_most(3, Duration::from_secs(86_400));
/// assert_eq!(news.priority(), Priority::Low);
/// assert!(!news.is_on_by_default(&ChannelId::SMS));
/// ```
#[derive(Clone, Debug)]
pub struct Category {
    id: CategoryId,
    class: Class,
    priority: Priority,
    ceiling: Priority,
    on_unknown: OnUnknown,
    mandatory: bool,
    channels: BTreeMap<ChannelId, bool>,
    route: Option<Route>,
    expires_after: Option<Duration>,
    retry: RetryPolicy,
    caps: Vec<(Option<ChannelId>, Cap)>,
    on_excess: Excess,
    in_quiet_hours: Option<InQuietHours>,
    send_windows: Vec<(Option<ChannelId>, SendWindow)>,
    digest: Option<Digest>,
    title: String,
    description: String,
    words: words::AllWords,
    tracking: Tracking,
}

impl Category {
    fn with(
        id: impl Into<CategoryId>,
        class: Class,
        priority: Priority,
        on_unknown: OnUnknown,
    ) -> Self {
        let id = id.into();
        let title = id.to_string();
        Self {
            id,
            class,
            priority,
            ceiling: priority,
            on_unknown,
            mandatory: class == Class::Critical,
            channels: BTreeMap::new(),
            route: None,
            expires_after: None,
            retry: RetryPolicy::default(),
            caps: Vec::new(),
            on_excess: Excess::default(),
            in_quiet_hours: None,
            send_windows: Vec::new(),
            digest: None,
            title,
            description: String::new(),
            words: words::AllWords::new(),
            tracking: Tracking::none(),
        }
    }

    /// Never optional: security, safety.
    #[must_use]
    pub fn critical(id: impl Into<CategoryId>) -> Self {
        Self::with(id, Class::Critical, Priority::Critical, OnUnknown::Resend)
    }

    /// Follows from something the person did.
    #[must_use]
    pub fn transactional(id: impl Into<CategoryId>) -> Self {
        Self::with(id, Class::Transactional, Priority::High, OnUnknown::Resend)
    }

    /// Needs consent.
    #[must_use]
    pub fn marketing(id: impl Into<CategoryId>) -> Self {
        Self::with(id, Class::Marketing, Priority::Low, OnUnknown::Park)
    }

    /// The lane of its notifications; also raises the ceiling to it where that is lower.
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self.ceiling = self.ceiling.max(priority);
        self
    }

    /// The most urgent lane a request of this category may ask for.
    #[must_use]
    pub fn with_ceiling(mut self, ceiling: Priority) -> Self {
        self.ceiling = ceiling.max(self.priority);
        self
    }

    /// What to do when the outcome of a call is not known.
    #[must_use]
    pub const fn on_unknown(mut self, rule: OnUnknown) -> Self {
        self.on_unknown = rule;
        self
    }

    /// Whether users may not switch it off. A marketing category cannot be mandatory: the orchestrator refuses it.
    #[must_use]
    pub const fn with_mandatory(mut self, mandatory: bool) -> Self {
        self.mandatory = mandatory;
        self
    }

    /// Whether `channel` is on for people who said nothing.
    #[must_use]
    pub fn by_default(mut self, channel: impl Into<ChannelId>, on: bool) -> Self {
        self.channels.insert(channel.into(), on);
        self
    }

    /// The channels of notifications that name none. Default: every channel that has a provider.
    #[must_use]
    pub fn with_route(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// After how long its notifications are no longer worth sending. Default: never.
    #[must_use]
    pub const fn expires_after(mut self, ttl: Duration) -> Self {
        self.expires_after = Some(ttl);
        self
    }

    /// How failed calls are repeated.
    #[must_use]
    pub const fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// At most `max` to one person on each channel in any `window`.
    #[must_use]
    pub fn at_most(mut self, max: u32, window: Duration) -> Self {
        self.caps.push((None, Cap::new(max, window)));
        self
    }

    /// At most `max` to one person on `channel` in any `window`.
    #[must_use]
    pub fn at_most_on(mut self, channel: impl Into<ChannelId>, max: u32, window: Duration) -> Self {
        self.caps
            .push((Some(channel.into()), Cap::new(max, window)));
        self
    }

    /// What users read in their settings.
    #[must_use]
    pub fn describe(mut self, title: impl Into<String>, description: impl Into<String>) -> Self {
        self.title = title.into();
        self.description = description.into();
        self
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &CategoryId {
        &self.id
    }

    /// What it is in law.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The lane of its notifications.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// The most urgent lane a request may ask for.
    #[must_use]
    pub const fn ceiling(&self) -> Priority {
        self.ceiling
    }

    /// What to do when the outcome of a call is not known.
    #[must_use]
    pub const fn when_unknown(&self) -> OnUnknown {
        self.on_unknown
    }

    /// Whether users may not switch it off.
    #[must_use]
    pub const fn is_mandatory(&self) -> bool {
        self.mandatory
    }

    /// Whether `channel` is on for people who said nothing.
    #[must_use]
    pub fn is_on_by_default(&self, channel: &ChannelId) -> bool {
        self.channels
            .get(channel)
            .copied()
            .unwrap_or(match self.class {
                Class::Critical => true,
                Class::Transactional => *channel != ChannelId::SMS,
                Class::Marketing => *channel == ChannelId::EMAIL,
            })
    }

    /// The channels of notifications that name none.
    #[must_use]
    pub const fn route(&self) -> Option<&Route> {
        self.route.as_ref()
    }

    /// After how long its notifications are no longer worth sending.
    #[must_use]
    pub const fn ttl(&self) -> Option<Duration> {
        self.expires_after
    }

    /// How failed calls are repeated.
    #[must_use]
    pub const fn retry(&self) -> &RetryPolicy {
        &self.retry
    }

    /// The caps that hold on `channel`.
    pub fn caps<'a>(&'a self, channel: &'a ChannelId) -> impl Iterator<Item = &'a Cap> {
        self.caps
            .iter()
            .filter(move |(on, _)| on.as_ref().is_none_or(|on| on == channel))
            .map(|(_, cap)| cap)
    }

    /// What users read in their settings.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What users read below the title.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The same, under the class that a delivery was accepted with: what it is in law does not change while it waits, whatever the
    /// categories of the process say that sends it.
    pub(crate) fn under(self: &Arc<Self>, class: Class) -> Arc<Self> {
        if self.class == class {
            return Arc::clone(self);
        }
        let mut pinned = (**self).clone();
        pinned.class = class;
        pinned.mandatory &= class != Class::Marketing;
        Arc::new(pinned)
    }

    /// Checks that the category can exist.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the name is too long, a marketing category is mandatory,
    /// or the route is impossible.
    pub fn validate(&self) -> Result<()> {
        let config = |why: String| Err(Error::new(ErrorKind::Config, why));
        if self.id.as_str().is_empty() || self.id.as_str().chars().count() > 100 {
            return config("a category's name must have 1 to 100 characters".to_owned());
        }
        if self.mandatory && self.class == Class::Marketing {
            return config(format!(
                "category {} is marketing and cannot be mandatory",
                self.id
            ));
        }
        self.validate_timing()?;
        self.route.as_ref().map_or(Ok(()), Route::validate)
    }
}
