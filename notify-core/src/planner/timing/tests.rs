//! What the clock says, in stories of one person.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::calendar::{Date, LocalWindow, TimeOfDay, Zone};
use crate::channel::{EmailChannel, InAppChannel, PushChannel, SmsChannel};
use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason};
use crate::id::ChannelId;
use crate::notification::{Category, InQuietHours, NotificationRequest, Route, SendWindow, When};
use crate::planner::{
    Addressed, Deciding, Planned, Planning, Refusal, Rules, Snapshot, decide, plan,
};
use crate::preference::{AddressHash, Preferences, QuietHours, QuietRule, Settings};
use crate::recipient::Recipient;

const HOUR: Duration = Duration::from_secs(3_600);
const ZONE: &str = "Europe/Berlin";

/// An instant of 1 July 2026 in Berlin, or of a day after it.
fn on(day: i8, time: &str) -> Timestamp {
    let zone = Zone::get(ZONE).expect("a zone");
    let date = Date::new(2026, 7, day).expect("a day");
    zone.instant(date, time.parse().expect("a time"))
}

fn hold(until: Timestamp, reason: Reason) -> Decision {
    Decision::Hold { until, reason }
}

const fn suppress(reason: Reason) -> Decision {
    Decision::Suppress { reason }
}

/// Ada in Berlin, who wants quiet hours, and everything that a plan depends on.
struct World {
    rules: Rules,
    ada: Recipient,
    settings: Settings,
    channels: Vec<ChannelId>,
    ttl: Option<Duration>,
    refused: Vec<Refusal>,
    now: Timestamp,
}

impl World {
    fn at(now: Timestamp) -> Self {
        let mut rules = Rules::default();
        rules.add_channel(Arc::new(EmailChannel::new()));
        rules.add_channel(Arc::new(PushChannel::new()));
        rules.add_channel(Arc::new(SmsChannel::new()));
        rules.add_channel(Arc::new(InAppChannel::new()));
        let channels = vec![
            ChannelId::EMAIL,
            ChannelId::PUSH,
            ChannelId::SMS,
            ChannelId::IN_APP,
        ];
        rules.set_served(channels.clone());
        let mut settings = Settings::default();
        settings.set_quiet_hours(QuietHours::on());
        Self {
            rules,
            ada: Recipient::new("ada").with_zone(ZONE),
            settings,
            channels,
            ttl: None,
            refused: Vec::new(),
            now,
        }
    }

    fn wants(mut self, quiet: QuietHours) -> Self {
        self.settings.set_quiet_hours(quiet);
        self
    }

    fn snapshot(&self) -> Snapshot {
        let addressed = |channel: &ChannelId| {
            let hash = AddressHash::from_bytes([0; 32]);
            Addressed::new(channel.clone(), Address::email("a@example.com"), hash, None)
        };
        let mut preferences = Preferences::new(Settings::default(), self.settings.clone());
        preferences.consents.insert("ads".into());
        Snapshot::new(
            Some(self.ada.clone()),
            Some(preferences),
            self.channels.iter().map(addressed).collect(),
            self.now,
        )
    }

    fn plan(
        &self,
        category: &Category,
        request: &NotificationRequest,
        route: &Route,
    ) -> Vec<Planned> {
        let begins = request.send_at().map(|at| {
            let zone = Zone::get_or(self.ada.zone(), self.rules.zone());
            at.instant(&zone).max(self.now)
        });
        let planning = Planning {
            rules: &self.rules,
            request,
            category,
            priority: category.priority(),
            route,
            renderable: &|_| true,
            refused: &self.refused,
            expires_at: self.ttl.map(|ttl| begins.unwrap_or(self.now) + ttl),
        };
        plan(&planning, &self.snapshot())
    }

    /// The decision about one channel.
    fn one(&self, category: &Category, channel: &str) -> Planned {
        self.request(category, channel, &plain())
    }

    fn request(
        &self,
        category: &Category,
        channel: &str,
        request: &NotificationRequest,
    ) -> Planned {
        let route = Route::to(channel.to_owned());
        self.plan(category, request, &route).remove(0)
    }
}

fn plain() -> NotificationRequest {
    NotificationRequest::new("kind", "orders")
}

fn orders() -> Category {
    Category::transactional("orders").by_default("sms", true)
}

#[test]
fn at_night_a_push_waits_for_the_morning_and_mail_does_not() {
    let world = World::at(on(1, "23:00"));
    let push = world.one(&orders(), "push");
    assert_eq!(push.decision, hold(on(2, "08:00"), Reason::QuietHours));
    assert_eq!(push.due, on(2, "08:00"));
    assert_eq!(push.trace.decisive(), Some("quiet_hours"));
    for channel in ["email", "in_app"] {
        let passes = world.one(&orders(), channel);
        assert_eq!(passes.decision, Decision::Send, "{channel}");
        assert!(passes.trace.to_string().ends_with("quiet_hours:pass"));
    }
    let alarm = world.one(&Category::critical("alarm"), "push");
    assert_eq!(alarm.decision, Decision::Send);
    let awake = World::at(on(2, "08:00")).one(&orders(), "push");
    assert_eq!(awake.decision, Decision::Send, "the end is not quiet");
}

#[test]
fn what_is_sent_may_go_until_the_next_quiet_hours_or_the_end_of_the_window() {
    let world = World::at(on(1, "12:00"));
    let until = |category: &Category, channel: ChannelId| {
        let deciding = Deciding {
            rules: &world.rules,
            request: &plain(),
            category,
            channel: &channel,
            renderable: true,
            expires_at: None,
            waits: false,
            now: world.now,
        };
        decide(&deciding, &world.snapshot()).valid_until
    };
    assert_eq!(until(&orders(), ChannelId::PUSH), Some(on(1, "22:00")));
    assert_eq!(until(&orders(), ChannelId::EMAIL), None);
    let early = orders().send_window(SendWindow::between("09:00", "18:00").expect("times"));
    assert_eq!(until(&early, ChannelId::PUSH), Some(on(1, "18:00")));
    let drops = orders().in_quiet_hours(InQuietHours::Drop);
    assert_eq!(until(&drops, ChannelId::PUSH), Some(on(1, "22:00")));
    assert_eq!(until(&Category::critical("c"), ChannelId::PUSH), None);
}

#[test]
fn what_would_wait_for_ever_or_expire_is_not_sent_and_its_fallback_takes_its_place() {
    let route = Route::to("push").fallback(When::Failed, "email");
    let always = QuietHours::on().with_windows([LocalWindow::all_day()]);
    let never = World::at(on(1, "12:00")).wants(always);
    let mut expires = World::at(on(1, "23:00"));
    expires.ttl = Some(9 * HOUR);
    for world in [never, expires] {
        let steps = world.plan(&orders(), &plain(), &route);
        assert_eq!(steps[0].decision, suppress(Reason::QuietHours));
        assert_eq!(steps[1].decision, Decision::Send);
    }
    let mut lasts = World::at(on(1, "23:00"));
    lasts.ttl = Some(9 * HOUR + Duration::from_micros(1));
    assert_eq!(
        lasts.one(&orders(), "push").decision,
        hold(on(2, "08:00"), Reason::QuietHours)
    );
}

#[test]
fn a_category_or_a_person_may_say_that_it_is_dropped() {
    let world = World::at(on(1, "23:00"));
    let chats = orders().in_quiet_hours(InQuietHours::Drop);
    assert_eq!(
        world.one(&chats, "push").decision,
        suppress(Reason::QuietHours)
    );
    let later = plain().at(on(2, "23:00"));
    assert_eq!(
        world.request(&chats, "push", &later).decision,
        hold(on(2, "23:00"), Reason::Scheduled),
        "whether it is dropped is decided when its time has come"
    );
}

#[test]
fn advertising_by_sms_waits_for_the_window_of_the_law_whatever_the_person_wants() {
    let ads = Category::marketing("ads").by_default("sms", true);
    let ad = NotificationRequest::new("kind", "ads");
    let decision = |now, quiet| {
        let world = World::at(now).wants(quiet);
        let planned = world.request(&ads, "sms", &ad);
        (
            planned.decision,
            planned.trace.decisive().map(str::to_owned),
        )
    };
    let late = Some("send_window".to_owned());
    assert_eq!(
        decision(on(1, "21:00"), QuietHours::off()),
        (
            hold(on(2, "08:00"), Reason::OutsideSendWindow),
            late.clone()
        )
    );
    assert_eq!(
        decision(on(1, "20:59"), QuietHours::off()),
        (Decision::Send, None)
    );
    let long = QuietHours::between("22:00", "10:00").expect("times");
    assert_eq!(
        decision(on(1, "21:30"), long.clone()),
        (
            hold(
                on(1, "22:00").max(on(2, "10:00")),
                Reason::OutsideSendWindow
            ),
            late
        ),
        "what is open by law at 8 is quiet until 10"
    );
    assert_eq!(
        decision(on(2, "09:00"), long).0,
        hold(on(2, "10:00"), Reason::QuietHours)
    );
    let day = QuietHours::between("08:00", "21:00").expect("times");
    assert_eq!(
        decision(on(1, "12:00"), day).0,
        suppress(Reason::QuietHours),
        "quiet by day and closed by night: there is no time at all"
    );
}

#[test]
fn a_scheduled_notification_waits_for_its_time_where_the_person_lives() {
    let world = World::at(on(1, "12:00"));
    let day = Date::new(2026, 7, 3).expect("a day");
    let nine = plain().at_local(day, TimeOfDay::hours(9));
    let planned = world.request(&orders(), "push", &nine);
    assert_eq!(planned.decision, hold(on(3, "09:00"), Reason::Scheduled));
    assert_eq!(planned.trace.decisive(), Some("schedule"));
    let mut tokyo = World::at(on(1, "12:00"));
    tokyo.ada = Recipient::new("ada").with_zone("Asia/Tokyo");
    assert_eq!(
        tokyo.request(&orders(), "push", &nine).decision,
        hold(on(3, "02:00"), Reason::Scheduled),
        "seven hours earlier"
    );
    let past = plain().at(on(1, "11:59"));
    assert_eq!(
        world.request(&orders(), "push", &past).decision,
        Decision::Send
    );
    let night = plain().at(on(3, "03:00"));
    let planned = world.request(&orders(), "push", &night);
    assert_eq!(planned.decision, hold(on(3, "08:00"), Reason::QuietHours));
    assert!(
        planned
            .trace
            .to_string()
            .contains("schedule:hit quiet_hours:hit")
    );
}

#[test]
fn people_without_a_zone_or_with_an_unknown_one_live_where_the_application_says() {
    for zone in [None, Some(""), Some("Mars/Olympus")] {
        let mut world = World::at(on(1, "23:00"));
        world.rules.set_zone(Zone::get(ZONE).expect("a zone"));
        world.ada = Recipient::new("ada");
        if let Some(zone) = zone {
            world.ada = world.ada.with_zone(zone);
        }
        let push = world.one(&orders(), "push");
        assert_eq!(
            push.decision,
            hold(on(2, "08:00"), Reason::QuietHours),
            "{zone:?}"
        );
    }
    let mut utc = World::at(on(1, "23:00"));
    utc.ada = Recipient::new("ada");
    assert_eq!(
        utc.one(&orders(), "push").decision,
        Decision::Send,
        "21:00 in UTC"
    );
}

#[test]
fn a_message_takes_a_silent_channel_where_there_is_one() {
    let quiet = || QuietHours::on().then(InQuietHours::Reroute(ChannelId::IN_APP));
    let night = || World::at(on(1, "23:00")).wants(quiet());
    let planned = night().one(&orders(), "push");
    assert_eq!(planned.channel, ChannelId::IN_APP);
    assert_eq!(planned.decision, Decision::Send);
    let trace = planned.trace.to_string();
    assert!(
        trace.contains("quiet_hours:hit rerouted:hit own_act"),
        "{trace}"
    );
    let by_day = World::at(on(1, "12:00"))
        .wants(quiet())
        .one(&orders(), "push");
    assert_eq!(by_day.channel, ChannelId::PUSH);

    let mut without = night();
    without
        .channels
        .retain(|channel| *channel != ChannelId::IN_APP);
    let held = without.one(&orders(), "push");
    assert_eq!(held.channel, ChannelId::PUSH);
    assert_eq!(held.decision, hold(on(2, "08:00"), Reason::QuietHours));

    let both = Route::to("push").and("in_app");
    let steps = night().plan(&orders(), &plain(), &both);
    assert_eq!(
        steps[0].decision,
        suppress(Reason::QuietHours),
        "they are told there anyway"
    );
    assert_eq!(steps[1].decision, Decision::Send);

    let loud = QuietHours::on()
        .with_rule(QuietRule::for_channel("push").then(InQuietHours::Reroute(ChannelId::SMS)));
    let held = World::at(on(1, "23:00")).wants(loud).one(&orders(), "push");
    assert_eq!(held.channel, ChannelId::PUSH, "SMS is as loud");
    assert!(matches!(held.decision, Decision::Hold { .. }));
}

#[test]
fn a_step_that_waits_for_one_that_is_held_waits_as_long_after_it() {
    let route = Route::to("push")
        .fallback(When::NotSeenWithin(HOUR), "email")
        .fallback(When::Failed, "sms");
    let steps = World::at(on(1, "23:00")).plan(&orders(), &plain(), &route);
    assert_eq!(steps[0].due, on(2, "08:00"));
    assert_eq!(
        steps[1].decision,
        hold(on(2, "09:00"), Reason::WaitsForFallback)
    );
    assert_eq!(
        steps[2].decision,
        hold(on(2, "09:00") + 24 * HOUR, Reason::WaitsForFallback),
        "its own quiet hours are asked when its turn has come"
    );
    assert!(!steps[2].trace.to_string().contains("quiet_hours"));
}

#[test]
fn what_the_store_refused_is_dropped_or_waits_and_other_steps_go_on() {
    let mut world = World::at(on(1, "12:00"));
    let capped = orders().at_most(1, HOUR);
    let room = on(1, "12:30");
    let limited = |step| Refusal::new(step, Reason::RateLimited, "cap");
    world.refused = vec![limited(0), limited(1).until(Some(room))];
    let route = Route::to("push").and("sms").and("email");
    let steps = world.plan(&capped, &plain(), &route);
    assert_eq!(steps[0].decision, suppress(Reason::RateLimited));
    assert_eq!(steps[0].trace.decisive(), Some("cap"));
    assert_eq!(steps[1].decision, hold(room, Reason::RateLimited));
    assert_eq!(steps[2].decision, Decision::Send);
    assert!(steps[2].trace.to_string().ends_with("cap:pass"));
    world.ttl = Some(HOUR / 2);
    let steps = world.plan(&capped, &plain(), &route);
    assert_eq!(
        steps[1].decision,
        suppress(Reason::RateLimited),
        "worth nothing by then"
    );
}

#[test]
fn a_duplicate_is_one_whether_it_would_go_now_or_wait() {
    let mut world = World::at(on(1, "23:00"));
    let refused = |step| Refusal::new(step, Reason::Duplicate, "duplicate");
    world.refused = vec![refused(0), refused(1)];
    let steps = world.plan(&orders(), &plain(), &Route::to("push").and("email"));
    for step in steps {
        assert_eq!(step.decision, suppress(Reason::Duplicate));
        assert_eq!(step.trace.decisive(), Some("duplicate"));
    }
}
