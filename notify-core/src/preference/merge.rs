//! Layers of settings into one answer: application, tenant, category, person.

use crate::id::ChannelId;
use crate::notification::{Category, Class};
use crate::preference::{Preferences, Setting, Settings};

/// The application's own layer, below the tenant's.
pub type Defaults = Settings;

/// Whether a message may go, and if not, what stands against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allowed {
    /// Yes.
    Yes,
    /// The person or a layer above them switched it off.
    OptedOut,
    /// It is marketing, and the person has not agreed.
    NoConsent,
    /// A layer below the person forbids it for everybody.
    NotAllowed,
}

/// Whether `preferences` let notifications of `category` through on `channel`.
///
/// Each layer is laid over the one below it: the category's default, the application's, the tenant's, the person's; `NotAllowed`
/// is sticky. A person's opt-out of a whole channel or of all marketing stands above their single cells.
/// A mandatory category passes all but a `NotAllowed` of application or tenant. Marketing needs consent besides.
#[must_use]
pub fn allowed(
    category: &Category,
    channel: &ChannelId,
    defaults: &Defaults,
    preferences: &Preferences,
) -> Allowed {
    let id = category.id();
    let start = if category.is_on_by_default(channel) {
        Setting::Yes
    } else {
        Setting::No
    };
    let layer = |settings: &Settings, below: Setting| {
        let cell = settings.cell(id, channel).over(below);
        let marketing = if category.class() == Class::Marketing {
            settings.marketing()
        } else {
            Setting::Inherit
        };
        // An opt-out of the whole is stronger than a cell; an opt-in of the whole is weaker.
        [settings.channel(channel), marketing]
            .into_iter()
            .fold(cell, |cell, whole| match whole {
                Setting::No | Setting::NotAllowed => whole.over(cell),
                Setting::Inherit | Setting::Yes => cell,
            })
    };
    let shared = layer(&preferences.tenant, layer(defaults, start));
    if shared == Setting::NotAllowed {
        return Allowed::NotAllowed;
    }
    if category.is_mandatory() {
        return Allowed::Yes;
    }
    match layer(&preferences.user, shared) {
        Setting::No | Setting::NotAllowed => Allowed::OptedOut,
        Setting::Inherit | Setting::Yes if category.class() != Class::Marketing => Allowed::Yes,
        Setting::Inherit | Setting::Yes if preferences.consents.contains(id) => Allowed::Yes,
        Setting::Inherit | Setting::Yes => Allowed::NoConsent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferences(change: impl FnOnce(&mut Preferences)) -> Preferences {
        let mut preferences = Preferences::default();
        change(&mut preferences);
        preferences
    }

    fn ask(category: &Category, channel: ChannelId, preferences: &Preferences) -> Allowed {
        allowed(category, &channel, &Defaults::default(), preferences)
    }

    #[test]
    fn unset_preferences_follow_the_class() {
        let nothing = Preferences::default();
        assert_eq!(
            ask(&Category::critical("c"), ChannelId::SMS, &nothing),
            Allowed::Yes
        );
        assert_eq!(
            ask(&Category::transactional("t"), ChannelId::EMAIL, &nothing),
            Allowed::Yes
        );
        assert_eq!(
            ask(&Category::transactional("t"), ChannelId::SMS, &nothing),
            Allowed::OptedOut
        );
        assert_eq!(
            ask(&Category::marketing("m"), ChannelId::EMAIL, &nothing),
            Allowed::NoConsent
        );
        assert_eq!(
            ask(&Category::marketing("m"), ChannelId::PUSH, &nothing),
            Allowed::OptedOut
        );
    }

    #[test]
    fn marketing_goes_only_with_consent_and_without_an_opt_out() {
        let news = Category::marketing("news");
        let agreed = preferences(|p| {
            p.consents.insert("news".into());
        });
        assert_eq!(ask(&news, ChannelId::EMAIL, &agreed), Allowed::Yes);
        let out = preferences(|p| {
            p.consents.insert("news".into());
            p.user.set_marketing(Setting::No);
            p.user.set("news", "email", Setting::Yes);
        });
        assert_eq!(ask(&news, ChannelId::EMAIL, &out), Allowed::OptedOut);
    }

    #[test]
    fn a_person_can_turn_on_what_is_off_by_default_but_not_what_the_tenant_forbids() {
        let orders = Category::transactional("orders");
        let on = preferences(|p| p.user.set("orders", "sms", Setting::Yes));
        assert_eq!(ask(&orders, ChannelId::SMS, &on), Allowed::Yes);
        let forbidden = preferences(|p| {
            let mut tenant = Settings::default();
            tenant.set("orders", "sms", Setting::NotAllowed);
            p.tenant = tenant.into();
            p.user.set("orders", "sms", Setting::Yes);
        });
        assert_eq!(
            ask(&orders, ChannelId::SMS, &forbidden),
            Allowed::NotAllowed
        );
    }

    #[test]
    fn an_opt_out_of_a_channel_beats_a_cell_and_a_mandatory_category_beats_the_opt_out() {
        let out = preferences(|p| {
            p.user.set_channel("email", Setting::No);
            p.user.set("orders", "email", Setting::Yes);
        });
        assert_eq!(
            ask(&Category::transactional("orders"), ChannelId::EMAIL, &out),
            Allowed::OptedOut
        );
        assert_eq!(
            ask(&Category::critical("security"), ChannelId::EMAIL, &out),
            Allowed::Yes
        );
        let mandatory = Category::transactional("receipts").with_mandatory(true);
        assert_eq!(ask(&mandatory, ChannelId::EMAIL, &out), Allowed::Yes);
    }

    #[test]
    fn what_the_application_forbids_nobody_turns_on() {
        let mut defaults = Defaults::default();
        defaults.set_channel("sms", Setting::NotAllowed);
        let on = preferences(|p| p.user.set_channel("sms", Setting::Yes));
        let security = Category::critical("security");
        assert_eq!(
            allowed(&security, &ChannelId::SMS, &defaults, &on),
            Allowed::NotAllowed
        );
    }
}
