//! What people want to hear, where: settings in layers, opt-outs, consent and suppressed addresses.

mod bounces;
mod consent;
mod merge;
mod quiet_hours;
mod store;
mod suppression;
mod suppression_list;

pub use bounces::{BounceTally, SoftBounces};
pub use consent::ConsentEntry;
pub use merge::{Allowed, Defaults, allowed};
pub use quiet_hours::{PRESET, Quiet, QuietHours, QuietRule, QuietZone, quiet_hours};
pub use store::{PreferenceStore, Stamp};
pub use suppression::{
    AddressHash, Pepper, Suppression, SuppressionScope, SuppressionSource, SuppressionStore,
};
pub use suppression_list::{CSV_HEADER, ListFormat};

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::id::{CategoryId, ChannelId, RecipientId};

/// One cell of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::exhaustive_enums,
    reason = "merging must be thought through for each setting"
)]
pub enum Setting {
    /// Nothing is said here; the layer below decides.
    #[default]
    Inherit,
    /// On.
    Yes,
    /// Off.
    No,
    /// Off, and no layer above can turn it on.
    NotAllowed,
}

impl Setting {
    /// The number that stores keep.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Inherit => 0,
            Self::Yes => 1,
            Self::No => 2,
            Self::NotAllowed => 3,
        }
    }

    /// This layer laid over the one `below`.
    #[must_use]
    pub const fn over(self, below: Self) -> Self {
        match (self, below) {
            (_, Self::NotAllowed) => Self::NotAllowed,
            (Self::Inherit, below) => below,
            (own, _) => own,
        }
    }
}

/// One layer of settings: the tenant's, or a person's.
///
/// ```
/// use notify_core::preference::{Setting, Settings};
/// use notify_core::{CategoryId, ChannelId};
///
/// let mut settings = Settings::default();
/// settings.set("news", ChannelId::EMAIL, Setting::No);
/// assert_eq!(settings.cell(&CategoryId::new("news"), &ChannelId::EMAIL), Setting::No);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    cells: BTreeMap<CategoryId, BTreeMap<ChannelId, Setting>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    channels: BTreeMap<ChannelId, Setting>,
    #[serde(default, skip_serializing_if = "is_inherit")]
    marketing: Setting,
    #[serde(default, skip_serializing_if = "QuietHours::is_empty")]
    quiet_hours: QuietHours,
}

fn is_inherit(setting: &Setting) -> bool {
    *setting == Setting::Inherit
}

impl Settings {
    /// What is said of a category on a channel.
    #[must_use]
    pub fn cell(&self, category: &CategoryId, channel: &ChannelId) -> Setting {
        self.cells
            .get(category)
            .and_then(|row| row.get(channel))
            .copied()
            .unwrap_or_default()
    }

    /// What is said of a whole channel.
    #[must_use]
    pub fn channel(&self, channel: &ChannelId) -> Setting {
        self.channels.get(channel).copied().unwrap_or_default()
    }

    /// What is said of all marketing.
    #[must_use]
    pub const fn marketing(&self) -> Setting {
        self.marketing
    }

    /// Everything that is said of a category on a channel.
    pub fn cells(&self) -> impl Iterator<Item = (&CategoryId, &ChannelId, Setting)> {
        let cells = self.cells.iter();
        cells.flat_map(|(category, row)| {
            let row = row.iter();
            row.map(move |(channel, setting)| (category, channel, *setting))
        })
    }

    /// Says something of a category on a channel.
    pub fn set(
        &mut self,
        category: impl Into<CategoryId>,
        channel: impl Into<ChannelId>,
        setting: Setting,
    ) {
        let (category, channel) = (category.into(), channel.into());
        if setting == Setting::Inherit {
            if let Some(row) = self.cells.get_mut(&category) {
                row.remove(&channel);
            }
            self.cells.retain(|_, row| !row.is_empty());
        } else {
            self.cells
                .entry(category)
                .or_default()
                .insert(channel, setting);
        }
    }

    /// Says something of a whole channel.
    pub fn set_channel(&mut self, channel: impl Into<ChannelId>, setting: Setting) {
        if setting == Setting::Inherit {
            self.channels.remove(&channel.into());
        } else {
            self.channels.insert(channel.into(), setting);
        }
    }

    /// Says something of all marketing.
    pub const fn set_marketing(&mut self, setting: Setting) {
        self.marketing = setting;
    }

    /// What is said of quiet hours.
    #[must_use]
    pub const fn quiet_hours(&self) -> &QuietHours {
        &self.quiet_hours
    }

    /// Says something of quiet hours, in place of what was said before.
    pub fn set_quiet_hours(&mut self, quiet_hours: QuietHours) {
        self.quiet_hours = quiet_hours;
    }

    /// Whether nothing is said at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
            && self.channels.is_empty()
            && self.marketing == Setting::Inherit
            && self.quiet_hours.is_empty()
    }
}

/// What is known of one person's wishes, and of the tenant's rules for everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preferences {
    /// The tenant's layer.
    pub tenant: std::sync::Arc<Settings>,
    /// The person's layer.
    pub user: Settings,
    /// The categories of marketing they agreed to.
    pub consents: BTreeSet<CategoryId>,
    /// The version of all this, if the store can check it in the commit that begins a message.
    pub stamp: Option<Stamp>,
}

impl Preferences {
    /// What a store or the application knows.
    #[must_use]
    pub fn new(tenant: impl Into<std::sync::Arc<Settings>>, user: Settings) -> Self {
        Self {
            tenant: tenant.into(),
            user,
            consents: BTreeSet::new(),
            stamp: None,
        }
    }

    /// With the categories they agreed to.
    #[must_use]
    pub fn with_consents(mut self, consents: impl IntoIterator<Item = CategoryId>) -> Self {
        self.consents = consents.into_iter().collect();
        self
    }

    /// With a version that the store that issued it can check.
    #[must_use]
    pub const fn with_stamp(mut self, stamp: Stamp) -> Self {
        self.stamp = Some(stamp);
        self
    }
}

/// One change of what people want. Takes effect at once, also for what is queued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PreferenceChange {
    /// A category on a channel.
    Cell {
        /// Whose.
        recipient: RecipientId,
        /// Which kind.
        category: CategoryId,
        /// Where.
        channel: ChannelId,
        /// What is said.
        setting: Setting,
    },
    /// A whole channel.
    Channel {
        /// Whose.
        recipient: RecipientId,
        /// Where.
        channel: ChannelId,
        /// What is said.
        setting: Setting,
    },
    /// All marketing.
    Marketing {
        /// Whose.
        recipient: RecipientId,
        /// What is said.
        setting: Setting,
    },
    /// Quiet hours, replaced.
    QuietHours {
        /// Whose.
        recipient: RecipientId,
        /// What is said from now on.
        quiet_hours: QuietHours,
    },
    /// What quiet hours mean for a category, a channel, or a category on a channel. A rule that says nothing takes back what was said.
    QuietRule {
        /// Whose.
        recipient: RecipientId,
        /// What is said.
        rule: QuietRule,
    },
    /// Everything a person said, replaced.
    Replace {
        /// Whose.
        recipient: RecipientId,
        /// What is said from now on.
        settings: Settings,
    },
    /// Agreed to, or withdrawn from, a category of marketing. Kept in the consent log.
    Consent {
        /// Whose.
        recipient: RecipientId,
        /// Which kind.
        category: CategoryId,
        /// Agreed or withdrawn.
        granted: bool,
        /// Where it was said, such as `sign-up form`, or why it was withdrawn.
        source: String,
        /// What the person read when they said it, word by word; empty where there was nothing to read.
        #[serde(default)]
        wording: String,
    },
    /// The tenant's rules for everybody, replaced.
    Tenant {
        /// What holds from now on.
        settings: Settings,
    },
}

impl PreferenceChange {
    /// Agreed to a category of marketing, here, in answer to these words.
    ///
    /// ```
    /// use notify_core::preference::PreferenceChange;
    ///
    /// let agreed = PreferenceChange::agree("ada", "news", "sign-up form", "Yes, send me the newsletter once a week.");
    /// assert_eq!(agreed.recipient().map(|id| id.as_str()), Some("ada"));
    /// ```
    #[must_use]
    pub fn agree(
        recipient: impl Into<RecipientId>,
        category: impl Into<CategoryId>,
        source: impl Into<String>,
        wording: impl Into<String>,
    ) -> Self {
        Self::Consent {
            recipient: recipient.into(),
            category: category.into(),
            granted: true,
            source: source.into(),
            wording: wording.into(),
        }
    }

    /// Withdrew from a category, for this reason.
    #[must_use]
    pub fn withdraw(
        recipient: impl Into<RecipientId>,
        category: impl Into<CategoryId>,
        source: impl Into<String>,
    ) -> Self {
        Self::Consent {
            recipient: recipient.into(),
            category: category.into(),
            granted: false,
            source: source.into(),
            wording: String::new(),
        }
    }

    /// Whose preferences change; `None` where it is the tenant's rules.
    #[must_use]
    pub const fn recipient(&self) -> Option<&RecipientId> {
        match self {
            Self::Cell { recipient, .. }
            | Self::Channel { recipient, .. }
            | Self::Marketing { recipient, .. }
            | Self::QuietHours { recipient, .. }
            | Self::QuietRule { recipient, .. }
            | Self::Replace { recipient, .. }
            | Self::Consent { recipient, .. } => Some(recipient),
            Self::Tenant { .. } => None,
        }
    }

    /// Whether what is held for the person may have to go at another time.
    pub(crate) const fn is_about_time(&self) -> bool {
        matches!(
            self,
            Self::QuietHours { .. } | Self::QuietRule { .. } | Self::Replace { .. }
        )
    }

    /// Checks what is said of quiet hours.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming the field, such as `quiet_hours.zone`.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::QuietHours { quiet_hours, .. } => quiet_hours.validate(),
            Self::QuietRule { rule, .. } => QuietHours::new().with_rule(rule.clone()).validate(),
            Self::Replace { settings, .. } | Self::Tenant { settings } => {
                settings.quiet_hours.validate()
            }
            _ => Ok(()),
        }
    }

    /// Carries the change out on what is known of the person. Pure; used by every store.
    pub fn apply(&self, preferences: &mut Preferences) {
        match self {
            Self::Cell {
                category,
                channel,
                setting,
                ..
            } => preferences.user.set(category, channel, *setting),
            Self::Channel {
                channel, setting, ..
            } => preferences.user.set_channel(channel, *setting),
            Self::Marketing { setting, .. } => preferences.user.set_marketing(*setting),
            Self::QuietHours { quiet_hours, .. } => {
                preferences.user.set_quiet_hours(quiet_hours.clone());
            }
            Self::QuietRule { rule, .. } => preferences.user.quiet_hours.set_rule(rule.clone()),
            Self::Replace { settings, .. } => preferences.user.clone_from(settings),
            Self::Consent {
                category,
                granted: true,
                ..
            } => {
                preferences.consents.insert(category.clone());
            }
            Self::Consent { category, .. } => {
                preferences.consents.remove(category);
            }
            Self::Tenant { settings } => preferences.tenant = std::sync::Arc::new(settings.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_allowed_is_sticky_and_inherit_is_transparent() {
        use Setting::{Inherit, No, NotAllowed, Yes};
        for above in [Inherit, Yes, No, NotAllowed] {
            assert_eq!(above.over(NotAllowed), NotAllowed);
            assert_eq!(Inherit.over(above), above);
        }
        assert_eq!(Yes.over(No), Yes);
        assert_eq!(No.over(Yes), No);
    }

    #[test]
    fn settings_from_before_there_were_quiet_hours_still_read() {
        let old = r#"{"cells":{"news":{"email":"no"}},"channels":{"sms":"yes"},"marketing":"no"}"#;
        let settings: Settings = serde_json::from_str(old).expect("reads");
        assert!(settings.quiet_hours().is_empty());
        assert_eq!(serde_json::to_string(&settings).expect("writes"), old);
    }

    #[test]
    fn a_rule_is_added_to_the_quiet_hours_that_are_there() {
        use crate::notification::InQuietHours;
        let mut preferences = Preferences::default();
        let set = PreferenceChange::QuietHours {
            recipient: "ada".into(),
            quiet_hours: QuietHours::on(),
        };
        let rule = PreferenceChange::QuietRule {
            recipient: "ada".into(),
            rule: QuietRule::for_channel("sms").then(InQuietHours::Drop),
        };
        set.apply(&mut preferences);
        rule.apply(&mut preferences);
        let quiet = preferences.user.quiet_hours();
        assert_eq!((quiet.is_on(), quiet.rules().len()), (Some(true), 1));
    }

    #[test]
    fn inherit_leaves_nothing_behind() {
        let mut settings = Settings::default();
        settings.set("news", "email", Setting::No);
        settings.set_channel("sms", Setting::No);
        settings.set("news", "email", Setting::Inherit);
        settings.set_channel("sms", Setting::Inherit);
        assert!(settings.is_empty());
    }
}
