//! Quiet hours, send windows and schedules end to end, on the memory store and a manual clock: one story a test.

use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::calendar::{Date, TimeOfDay, Zone};
use notify_core::clock::Clock;
use notify_core::delivery::{DeliveryState, EventKind, Reason};
use notify_core::memory::MemoryStore;
use notify_core::notification::InQuietHours;
use notify_core::orchestrator::OrchestratorBuilder;
use notify_core::preference::{PreferenceChange, QuietHours, QuietRule, Settings};
use notify_core::queue::CancelOutcome;
use notify_core::rate_limiter::{Quota, QuotaKey, RateLimiter, Verdict};
use notify_core::testkit::{FakeProvider, ManualClock};
use notify_core::{
    Address, Category, ChannelId, Content, DeliveryId, ErrorKind, NotificationRequest,
    Orchestrator, PreferenceStore, Preferences, Recipient, RecipientId, Result, Route, TenantId,
    Timestamp, When,
};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const TICK: Duration = Duration::from_micros(1);
const ZONE: &str = "Europe/Berlin";

/// An instant in Berlin.
fn berlin(date: &str, time: &str) -> Timestamp {
    let zone = Zone::get(ZONE).expect("a zone");
    let date: Date = date.parse().expect("a day");
    zone.instant(date, time.parse().expect("a time"))
}

struct World {
    clock: Arc<ManualClock>,
    notify: Orchestrator,
    push: FakeProvider,
    mail: FakeProvider,
}

impl World {
    async fn at(now: Timestamp) -> Self {
        Self::with(now, |builder| builder).await
    }

    /// Ada lives in Berlin and wants quiet hours from 22:00 to 08:00.
    async fn with(
        now: Timestamp,
        change: impl FnOnce(OrchestratorBuilder) -> OrchestratorBuilder,
    ) -> Self {
        let clock = ManualClock::new(now);
        let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let push = FakeProvider::new("push", ChannelId::PUSH);
        let mail = FakeProvider::new("mail", ChannelId::EMAIL);
        let builder = Orchestrator::builder(store)
            .category(Category::transactional("orders"))
            .category(Category::critical("alarms"))
            .provider(push.clone())
            .provider(mail.clone());
        let notify = change(builder).build().await.expect("builds");
        notify.put_recipient(ada(ZONE)).await.expect("stored");
        let world = Self {
            clock,
            notify,
            push,
            mail,
        };
        world.wants(QuietHours::on()).await;
        world
    }

    async fn wants(&self, quiet_hours: QuietHours) {
        let change = PreferenceChange::QuietHours {
            recipient: "ada".into(),
            quiet_hours,
        };
        self.notify
            .change_preferences(&change)
            .await
            .expect("stored");
    }

    async fn send(&self, request: NotificationRequest) -> DeliveryId {
        let report = self.notify.send(request, "ada").await.expect("accepted");
        report.deliveries[0].id
    }

    async fn state(&self, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
        let delivery = self.notify.delivery(id).await.expect("known");
        (delivery.state, delivery.reason)
    }

    async fn due(&self, id: DeliveryId) -> Timestamp {
        self.notify.delivery(id).await.expect("known").due_at
    }

    async fn turn(&self) {
        self.notify.worker().turn().await.expect("turn");
    }

    /// Lets the workers look shortly before, and at, this instant; checks that the push went at it.
    async fn goes_exactly_at(&self, at: Timestamp) {
        self.clock.set(at - TICK);
        self.turn().await;
        assert_eq!(self.push.calls().len(), 0, "not a microsecond early");
        self.clock.set(at);
        self.turn().await;
        assert_eq!(self.push.calls().len(), 1, "at the first instant");
    }
}

fn ada(zone: &str) -> Recipient {
    Recipient::new("ada")
        .with_zone(zone)
        .with_email("ada@example.com")
        .with_address(Address::device("token"))
}

fn say(category: &str) -> NotificationRequest {
    NotificationRequest::new("said", category.to_owned())
        .with_content(Content::new("Hi", "There"))
        .with_route(Route::to(ChannelId::PUSH))
}

const HELD: (DeliveryState, Option<Reason>) = (DeliveryState::Held, Some(Reason::QuietHours));

#[tokio::test]
async fn a_push_at_night_is_kept_until_the_first_instant_of_the_morning() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    let id = world.send(say("orders")).await;
    assert_eq!(world.state(id).await, HELD);
    let alarm = world.send(say("alarms")).await;
    world.turn().await;
    assert_eq!(world.state(alarm).await.0, DeliveryState::Sent, "critical");
    world.push.forget();
    world.goes_exactly_at(berlin("2026-07-02", "08:00")).await;
    assert_eq!(world.state(id).await, (DeliveryState::Sent, None));
}

#[tokio::test]
async fn the_night_in_which_clocks_go_forward_is_an_hour_shorter() {
    let night = berlin("2026-03-28", "22:30");
    let world = World::at(night).await;
    world.send(say("orders")).await;
    let morning = berlin("2026-03-29", "08:00");
    assert_eq!(morning.since(night), 17 * HOUR / 2);
    world.goes_exactly_at(morning).await;
}

#[tokio::test]
async fn what_was_queued_by_day_and_reached_by_night_is_held_then() {
    let world = World::at(berlin("2026-07-01", "21:59")).await;
    let id = world.send(say("orders")).await;
    assert_eq!(world.state(id).await.0, DeliveryState::Queued);
    world.clock.set(berlin("2026-07-01", "22:00"));
    world.turn().await;
    assert_eq!(world.state(id).await, HELD);
    let events = world.notify.timeline(id).await.expect("known");
    let last = events.last().expect("an event");
    assert_eq!((last.kind, last.reason), (EventKind::Held, HELD.1));
    world.goes_exactly_at(berlin("2026-07-02", "08:00")).await;
    let delivery = world.notify.delivery(id).await.expect("known");
    assert_eq!(delivery.attempts, 1, "to wait is no attempt");
}

/// Lets the night begin between the decision to send and the commit before the first byte.
#[derive(Debug)]
struct NightFalls(Arc<ManualClock>);

#[async_trait]
impl RateLimiter for NightFalls {
    async fn acquire(&self, _: &[QuotaKey], _: NonZeroU32, now: Timestamp) -> Result<Verdict> {
        self.0.set(now.max(berlin("2026-07-01", "22:00")));
        Ok(Verdict::Pass)
    }

    async fn release(&self, _: &[QuotaKey], _: NonZeroU32) -> Result<()> {
        Ok(())
    }

    async fn set_quota(&self, _: &QuotaKey, _: Option<Quota>, _: Timestamp) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn quiet_hours_that_begin_before_the_first_byte_still_hold_it() {
    let clock = ManualClock::new(berlin("2026-07-01", "21:59"));
    let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let push = FakeProvider::new("push", ChannelId::PUSH);
    let mut app = Settings::default();
    app.set_quiet_hours(QuietHours::on());
    let notify = Orchestrator::builder(store)
        .category(Category::transactional("orders"))
        .provider(push.clone())
        .rate_limiter(NightFalls(Arc::clone(&clock)))
        .defaults(app)
        .build()
        .await
        .expect("builds");
    let report = notify
        .send(say("orders"), ada(ZONE))
        .await
        .expect("accepted");
    let id = report.deliveries[0].id;
    for _ in 0..3 {
        notify.worker().turn().await.expect("turn");
        clock.advance(Duration::from_secs(2));
    }
    assert_eq!(push.calls().len(), 0);
    let delivery = notify.delivery(id).await.expect("known");
    assert_eq!((delivery.state, delivery.reason), HELD);
    assert_eq!(delivery.due_at, berlin("2026-07-02", "08:00"));
}

#[tokio::test]
async fn whoever_turns_quiet_hours_off_or_shortens_them_gets_what_was_kept_back() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    let (one, other) = (
        world.send(say("orders")).await,
        world.send(say("orders")).await,
    );
    world
        .wants(QuietHours::between("22:00", "06:00").expect("times"))
        .await;
    assert_eq!(world.state(one).await, HELD, "nothing was decided yet");
    world.turn().await;
    assert_eq!(world.state(one).await, HELD);
    assert_eq!(world.due(one).await, berlin("2026-07-02", "06:00"));
    let drop = PreferenceChange::QuietRule {
        recipient: "ada".into(),
        rule: QuietRule::for_category("orders").then(InQuietHours::Pass),
    };
    world
        .notify
        .change_preferences(&drop)
        .await
        .expect("stored");
    world.turn().await;
    for id in [one, other] {
        assert_eq!(world.state(id).await.0, DeliveryState::Sent);
    }
}

#[tokio::test]
async fn whoever_moves_is_told_when_it_is_morning_where_they_are_now() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    let id = world.send(say("orders")).await;
    world
        .notify
        .put_recipient(ada("Asia/Tokyo"))
        .await
        .expect("stored");
    world.turn().await;
    assert_eq!(world.state(id).await, HELD, "06:00 in Tokyo");
    let morning = berlin("2026-07-02", "01:00");
    assert_eq!(world.due(id).await, morning);
    world.goes_exactly_at(morning).await;
}

#[tokio::test]
async fn an_application_with_preferences_of_its_own_says_that_they_changed() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    let id = world.send(say("orders")).await;
    let asked = world.notify.preferences_changed("ada").await;
    assert_eq!(asked.expect("answered"), 1);
    world.turn().await;
    assert_eq!(world.state(id).await, HELD, "decided again, and the same");
    let nobody = world.notify.preferences_changed("bob").await;
    assert_eq!(nobody.expect("answered"), 0);
}

#[tokio::test]
async fn quiet_hours_that_cannot_be_are_refused() {
    let world = World::at(berlin("2026-07-01", "12:00")).await;
    let change = PreferenceChange::QuietHours {
        recipient: "ada".into(),
        quiet_hours: QuietHours::on().in_zone("Mars/Olympus"),
    };
    let error = world
        .notify
        .change_preferences(&change)
        .await
        .expect_err("zone");
    assert_eq!(error.field_name(), Some("quiet_hours.zone"));
    let operator = world.notify.as_operator("olga");
    let error = operator
        .change_preferences(&change)
        .await
        .expect_err("zone");
    assert_eq!(error.kind(), ErrorKind::Invalid);
    let built = Orchestrator::builder(MemoryStore::new())
        .default_zone("Mars/Olympus")
        .build()
        .await;
    let error = built.expect_err("zone");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("default zone"), "{error}");
}

#[tokio::test]
async fn at_night_a_push_may_become_an_entry_of_the_inbox() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    world
        .wants(QuietHours::on().then(InQuietHours::Reroute(ChannelId::IN_APP)))
        .await;
    let report = world
        .notify
        .send(say("orders"), "ada")
        .await
        .expect("accepted");
    assert_eq!(report.deliveries[0].channel, ChannelId::IN_APP);
    world.turn().await;
    assert_eq!(world.push.calls().len(), 0);
    let counts = world.notify.inbox("ada").counts().await.expect("counts");
    assert_eq!(counts.unread, 1);
}

#[tokio::test]
async fn a_fallback_waits_for_the_step_that_is_held_and_not_for_the_clock() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    let route = Route::to(ChannelId::PUSH).fallback(When::NotSeenWithin(HOUR), ChannelId::EMAIL);
    let request = say("orders").with_route(route);
    let report = world.notify.send(request, "ada").await.expect("accepted");
    let fallback = report.deliveries[1].id;
    world.clock.set(berlin("2026-07-02", "01:00"));
    world.turn().await;
    assert_eq!(world.mail.calls().len(), 0, "there was nothing to see yet");
    // She sleeps in: what waits for the push waits longer, too.
    world
        .wants(QuietHours::between("22:00", "10:00").expect("times"))
        .await;
    for time in ["01:00", "08:30", "09:00", "09:59"] {
        world.clock.set(berlin("2026-07-02", time));
        world.turn().await;
    }
    assert_eq!((world.push.calls().len(), world.mail.calls().len()), (0, 0));
    let waits = (DeliveryState::Held, Some(Reason::WaitsForFallback));
    assert_eq!(world.state(fallback).await, waits);
    world.clock.set(berlin("2026-07-02", "10:00"));
    world.turn().await;
    assert_eq!((world.push.calls().len(), world.mail.calls().len()), (1, 0));
    world.clock.set(berlin("2026-07-02", "11:00"));
    world.turn().await;
    assert_eq!(
        world.mail.calls().len(),
        1,
        "an hour later she has not seen it"
    );
}

#[tokio::test]
async fn a_scheduled_notification_goes_at_its_time_and_expires_after_it() {
    let world = World::at(berlin("2026-07-01", "12:00")).await;
    let at = berlin("2026-07-05", "09:00");
    let request = say("orders").at(at).with_expires_after(HOUR);
    let id = world.send(request.clone()).await;
    let scheduled = (DeliveryState::Held, Some(Reason::Scheduled));
    assert_eq!(world.state(id).await, scheduled);
    let delivery = world.notify.delivery(id).await.expect("known");
    assert_eq!(delivery.expires_at, Some(at + HOUR));
    world.goes_exactly_at(at).await;
    let late = world.send(request.at(at - HOUR)).await;
    assert_eq!(
        world.state(late).await.0,
        DeliveryState::Queued,
        "the past is now"
    );
    world.turn().await;
    assert_eq!(world.push.calls().len(), 2);
}

#[tokio::test]
async fn a_local_time_follows_the_person_and_not_the_zone_they_had() {
    let world = World::at(berlin("2026-07-01", "12:00")).await;
    let day = "2026-07-05".parse().expect("a day");
    let nine = TimeOfDay::new(9, 0).expect("a time");
    let id = world.send(say("orders").at_local(day, nine)).await;
    assert_eq!(world.due(id).await, berlin("2026-07-05", "09:00"));
    world
        .notify
        .put_recipient(ada("Asia/Tokyo"))
        .await
        .expect("stored");
    world.turn().await;
    assert_eq!(
        world.state(id).await,
        (DeliveryState::Held, Some(Reason::Scheduled))
    );
    world.goes_exactly_at(berlin("2026-07-05", "02:00")).await;
}

#[tokio::test]
async fn what_was_scheduled_is_taken_back_by_the_applications_own_key() {
    let world = World::at(berlin("2026-07-01", "12:00")).await;
    let at = berlin("2026-09-01", "09:00");
    let request = say("orders").at(at).with_idempotency_key("appointment:17");
    let id = world.send(request.clone()).await;
    // Longer than keys are kept by themselves.
    world.clock.advance(30 * 24 * HOUR);
    let again = world.notify.send(request, "ada").await.expect("accepted");
    assert!(again.duplicate);
    let outcomes = world
        .notify
        .cancel_by_key("appointment:17")
        .await
        .expect("found");
    assert_eq!(outcomes, [(id, CancelOutcome::Cancelled)]);
    let unknown = world.notify.cancel_by_key("appointment:18").await;
    let error = unknown.expect_err("no such key");
    assert_eq!(
        (error.kind(), error.field_name()),
        (ErrorKind::NotFound, Some("idempotency_key"))
    );
    let elsewhere = world
        .notify
        .tenant("acme")
        .cancel_by_key("appointment:17")
        .await;
    assert_eq!(
        elsewhere.expect_err("another tenant").kind(),
        ErrorKind::NotFound
    );
    world.clock.set(at);
    world.turn().await;
    assert_eq!(world.push.calls().len(), 0);
}

#[tokio::test]
async fn explain_tells_until_when_and_why_it_would_wait() {
    let world = World::at(berlin("2026-07-01", "23:00")).await;
    let explained = world
        .notify
        .explain(say("orders"), "ada")
        .await
        .expect("explained");
    assert_eq!(explained.steps[0].due, berlin("2026-07-02", "08:00"));
    assert_eq!(explained.steps[0].trace.decisive(), Some("quiet_hours"));
    assert_eq!(world.notify.history_count("ada").await.expect("count"), 0);
}

/// Preferences in which somebody turns their quiet hours off right after they were read.
#[derive(Clone, Debug)]
struct ChangesItsMind(MemoryStore);

#[async_trait]
impl PreferenceStore for ChangesItsMind {
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>> {
        let found = PreferenceStore::load(&self.0, tenant, ids).await?;
        if found[0].user.quiet_hours().is_on() == Some(true) {
            let off = PreferenceChange::QuietHours {
                recipient: ids[0].clone(),
                quiet_hours: QuietHours::off(),
            };
            let now = berlin("2026-07-01", "23:00");
            self.0.apply(tenant, &off, &Actor::Recipient, now).await?;
        }
        Ok(found)
    }

    async fn apply(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()> {
        self.0.apply(tenant, change, actor, now).await
    }
}

#[tokio::test]
async fn nothing_is_held_for_quiet_hours_that_ended_while_it_was_planned() {
    let clock = ManualClock::new(berlin("2026-07-01", "23:00"));
    let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let notify = Orchestrator::builder(store.clone())
        .category(Category::transactional("orders"))
        .provider(FakeProvider::new("push", ChannelId::PUSH))
        .preferences(ChangesItsMind(store))
        .build()
        .await
        .expect("builds");
    notify.put_recipient(ada(ZONE)).await.expect("stored");
    let on = PreferenceChange::QuietHours {
        recipient: "ada".into(),
        quiet_hours: QuietHours::on(),
    };
    notify.change_preferences(&on).await.expect("stored");
    let report = notify.send(say("orders"), "ada").await.expect("accepted");
    assert_eq!(report.deliveries[0].state, DeliveryState::Queued);
}
