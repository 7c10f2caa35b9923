//! Quiet hours as they take effect: the layers laid over one another, for one category on one channel.

use crate::calendar::{Closed, LocalWindow, Week, Zone};
use crate::clock::Timestamp;
use crate::id::ChannelId;
use crate::notification::{Category, Class, InQuietHours};
use crate::preference::quiet_hours::{PRESET, QuietHours, QuietZone};
use crate::preference::{Defaults, Preferences};

/// One person's quiet hours for one category on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quiet {
    /// When.
    pub windows: Vec<LocalWindow>,
    /// By whose clock.
    pub zone: QuietZone,
    /// What becomes of a message that comes then. Never [`Pass`](InQuietHours::Pass).
    pub then: InQuietHours,
}

impl Quiet {
    /// The times at which it is quiet, for a person who lives in this zone.
    #[must_use]
    pub fn closed(&self, zone: &Zone) -> Closed {
        let zone = match &self.zone {
            QuietZone::Recipient => zone.clone(),
            QuietZone::Named(name) => Zone::get_or(Some(name), zone),
        };
        Closed::new(Week::of(&self.windows), zone)
    }

    /// Whether it is quiet at this instant, for a person who lives in this zone. The end of a window is not.
    #[must_use]
    pub fn is_quiet(&self, at: Timestamp, zone: &Zone) -> bool {
        self.closed(zone).at(at)
    }

    /// The first instant from `at` on that is not quiet, for a person who lives in this zone; `None` if there is none.
    ///
    /// Both passes of an hour that comes twice are judged by what the clock shows. A window whose end the clock jumps over ends at
    /// the jump.
    #[must_use]
    pub fn next_allowed(&self, at: Timestamp, zone: &Zone) -> Option<Timestamp> {
        self.closed(zone).next_open(at)
    }
}

/// Whether a channel may wake somebody: what quiet hours hold unless something else is said.
fn is_loud(channel: &ChannelId) -> bool {
    *channel != ChannelId::EMAIL && *channel != ChannelId::IN_APP
}

/// The quiet hours that hold for a category on a channel; `None` if nothing is kept back.
///
/// Laid over one another: the default of the channel, the application's layer, the tenant's, the category's own rule, the person's.
/// In each layer the most exact rule stands for the layer, a category before a channel; what a layer says in general ([`QuietHours::then`]) changes only what
/// is kept back, so that it does not silence what passes below. `preferences` is `None` if they could not be read.
///
/// ```
/// use notify_core::preference::{Defaults, Preferences, QuietHours, Settings, quiet_hours};
/// use notify_core::{Category, ChannelId};
///
/// let mut ada = Settings::default();
/// ada.set_quiet_hours(QuietHours::on());
/// let ada = Preferences::new(Settings::default(), ada);
/// let of = |category: &Category, channel| quiet_hours(category, &channel, &Defaults::default(), Some(&ada));
///
/// let orders = Category::transactional("orders");
/// assert!(of(&orders, ChannelId::PUSH).is_some());
/// assert!(of(&orders, ChannelId::EMAIL).is_none());
/// assert!(of(&Category::critical("security"), ChannelId::PUSH).is_none());
/// ```
#[must_use]
pub fn quiet_hours(
    category: &Category,
    channel: &ChannelId,
    defaults: &Defaults,
    preferences: Option<&Preferences>,
) -> Option<Quiet> {
    if category.class() == Class::Critical {
        return None;
    }
    let shared = [
        Some(defaults.quiet_hours()),
        preferences.map(|all| all.tenant.quiet_hours()),
    ];
    let own = preferences.map(|all| all.user.quiet_hours());
    // The uppermost first.
    let all = || [own].into_iter().chain(shared.into_iter().rev()).flatten();
    if !all().find_map(QuietHours::is_on).unwrap_or(false) {
        return None;
    }
    let lay = |below: InQuietHours, layer: &QuietHours| {
        let exact = layer.said(category.id(), channel, |rule| rule.then.as_ref());
        match (exact, &layer.then) {
            (Some(exact), _) => exact.clone(),
            (None, Some(general)) if below != InQuietHours::Pass => general.clone(),
            _ => below,
        }
    };
    let bottom = if is_loud(channel) {
        InQuietHours::Hold
    } else {
        InQuietHours::Pass
    };
    let below = shared.into_iter().flatten().fold(bottom, lay);
    let below = category.quiet_rule().cloned().unwrap_or(below);
    let then = own.into_iter().fold(below, lay);
    if then == InQuietHours::Pass {
        return None;
    }
    let windows = all().find_map(|layer| {
        let exact = layer.said(category.id(), channel, |rule| rule.windows.as_deref());
        exact.or(layer.windows())
    });
    let zone = all().find_map(QuietHours::zone);
    Some(Quiet {
        windows: windows.map_or_else(|| vec![PRESET], <[LocalWindow]>::to_vec),
        zone: zone.cloned().unwrap_or_default(),
        then,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Date, TimeOfDay};
    use crate::preference::{QuietRule, Settings};

    fn layer(quiet: QuietHours) -> Settings {
        let mut settings = Settings::default();
        settings.set_quiet_hours(quiet);
        settings
    }

    /// Quiet hours by three layers.
    fn ask(
        category: &Category,
        channel: &str,
        app: QuietHours,
        tenant: QuietHours,
        user: QuietHours,
    ) -> Option<Quiet> {
        let preferences = Preferences::new(layer(tenant), layer(user));
        quiet_hours(
            category,
            &channel.to_owned().into(),
            &layer(app),
            Some(&preferences),
        )
    }

    fn said(user: QuietHours, category: &Category, channel: &str) -> Option<InQuietHours> {
        let nothing = QuietHours::new;
        ask(category, channel, nothing(), nothing(), user).map(|quiet| quiet.then)
    }

    fn orders() -> Category {
        Category::transactional("orders")
    }

    #[test]
    fn they_are_off_until_somebody_turns_them_on() {
        let nothing = QuietHours::new;
        assert_eq!(said(nothing(), &orders(), "push"), None);
        let windows = nothing().with_windows([PRESET]);
        assert_eq!(
            said(windows, &orders(), "push"),
            None,
            "windows alone turn nothing on"
        );
        let by_app = ask(&orders(), "push", QuietHours::on(), nothing(), nothing());
        assert_eq!(by_app.map(|quiet| quiet.windows), Some(vec![PRESET]));
        let declined = ask(
            &orders(),
            "push",
            QuietHours::on(),
            nothing(),
            QuietHours::off(),
        );
        assert_eq!(declined, None, "the person's word is the last");
    }

    #[test]
    fn they_hold_what_may_wake_somebody_and_never_what_is_critical() {
        use InQuietHours::Hold;
        for channel in ["push", "sms", "chat", "chat.slack", "voice"] {
            let held = said(QuietHours::on(), &orders(), channel);
            assert_eq!(held, Some(Hold), "{channel}");
            let security = Category::critical("security");
            assert_eq!(said(QuietHours::on(), &security, channel), None);
        }
        for channel in ["email", "in_app"] {
            assert_eq!(
                said(QuietHours::on(), &orders(), channel),
                None,
                "{channel}"
            );
        }
        let mandatory = orders().with_mandatory(true);
        let high = mandatory.with_priority(crate::notification::Priority::Critical);
        assert_eq!(
            said(QuietHours::on(), &high, "push"),
            Some(Hold),
            "neither duty nor haste wakes anybody: only the class does"
        );
    }

    #[test]
    fn the_most_exact_rule_of_a_layer_stands_and_upper_layers_over_lower_ones() {
        use InQuietHours::{Drop, Hold, Pass, Reroute};
        let inbox = Reroute(ChannelId::IN_APP);
        let user = QuietHours::on()
            .then(inbox.clone())
            .with_rule(QuietRule::for_channel("sms").then(Drop))
            .with_rule(QuietRule::for_category("orders").then(Pass))
            .with_rule(QuietRule::for_cell("orders", "sms").then(Hold));
        let chats = Category::transactional("chats");
        assert_eq!(said(user.clone(), &orders(), "sms"), Some(Hold));
        assert_eq!(said(user.clone(), &orders(), "push"), None);
        assert_eq!(said(user.clone(), &chats, "sms"), Some(Drop));
        assert_eq!(said(user.clone(), &chats, "push"), Some(inbox));
        assert_eq!(
            said(user, &chats, "email"),
            None,
            "a general rule does not silence what passes"
        );
        let early = LocalWindow::between("20:00", "08:00").expect("times");
        let split = QuietHours::on()
            .with_rule(QuietRule::for_cell("chats", "sms").with_windows([early]))
            .with_rule(QuietRule::for_category("chats").then(Drop));
        assert_eq!(
            said(split, &chats, "sms"),
            Some(Drop),
            "a rule that says only when leaves open what"
        );
        let app = QuietHours::on().with_rule(QuietRule::for_category("chats").then(Drop));
        let tenant = QuietHours::new().with_rule(QuietRule::for_category("chats").then(Hold));
        let found = ask(&chats, "push", app, tenant, QuietHours::new());
        assert_eq!(found.map(|quiet| quiet.then), Some(Hold));
    }

    #[test]
    fn a_categorys_own_rule_lies_between_the_tenant_and_the_person() {
        use InQuietHours::{Drop, Hold, Pass};
        let courier = Category::transactional("courier").in_quiet_hours(Pass);
        assert_eq!(said(QuietHours::on(), &courier, "push"), None);
        assert_eq!(
            said(QuietHours::on().then(Drop), &courier, "push"),
            None,
            "the general rule is about what is kept back"
        );
        let exact = QuietHours::on().with_rule(QuietRule::for_category("courier").then(Hold));
        assert_eq!(said(exact, &courier, "push"), Some(Hold));
        let digest = Category::transactional("likes").in_quiet_hours(Drop);
        assert_eq!(said(QuietHours::on(), &digest, "email"), Some(Drop));
    }

    #[test]
    fn windows_and_zone_come_from_the_uppermost_layer_that_says_them() {
        let nothing = QuietHours::new;
        let between = |start, end| QuietHours::between(start, end).expect("times");
        let app = between("23:00", "06:00").in_zone("Asia/Tokyo");
        let quiet = ask(
            &orders(),
            "sms",
            app.clone(),
            between("22:00", "07:00"),
            nothing(),
        )
        .expect("on");
        assert_eq!(quiet.windows[0].end().hour(), 7);
        assert_eq!(quiet.zone, QuietZone::Named("Asia/Tokyo".to_owned()));
        let early = LocalWindow::between("20:00", "09:00").expect("times");
        let user = nothing()
            .in_own_zone()
            .with_rule(QuietRule::for_channel("sms").with_windows([early]));
        let quiet = ask(&orders(), "sms", app.clone(), nothing(), user.clone()).expect("on");
        assert_eq!(quiet.windows, [early]);
        assert_eq!(quiet.zone, QuietZone::Recipient);
        let push = ask(&orders(), "push", app, nothing(), user).expect("on");
        assert_eq!(push.windows[0].start().hour(), 23);
    }

    #[test]
    fn an_unknown_zone_is_taken_for_the_persons() {
        let berlin = Zone::get("Europe/Berlin").expect("a zone");
        let quiet = |zone: &str| Quiet {
            windows: vec![PRESET],
            zone: QuietZone::Named(zone.to_owned()),
            then: InQuietHours::Hold,
        };
        let date = Date::new(2026, 7, 1).expect("a day");
        let ten = berlin.instant(date, TimeOfDay::hours(22));
        assert!(quiet("Mars/Olympus").is_quiet(ten, &berlin));
        assert!(quiet("").is_quiet(ten, &berlin));
        assert!(!quiet("UTC").is_quiet(ten, &berlin), "20:00 in UTC");
        assert_eq!(
            quiet("").next_allowed(ten, &berlin),
            Some(ten + std::time::Duration::from_secs(10 * 3_600))
        );
    }

    #[test]
    fn quiet_hours_without_an_end_allow_no_instant() {
        let for_ever = Quiet {
            windows: vec![LocalWindow::all_day()],
            zone: QuietZone::Recipient,
            then: InQuietHours::Hold,
        };
        assert_eq!(for_ever.next_allowed(Timestamp::EPOCH, &Zone::UTC), None);
        let never = Quiet {
            windows: Vec::new(),
            ..for_ever
        };
        assert_eq!(
            never.next_allowed(Timestamp::EPOCH, &Zone::UTC),
            Some(Timestamp::EPOCH)
        );
    }
}
