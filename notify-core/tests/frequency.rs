//! How often one person is told, end to end on the memory store and a manual clock: one story a test.

use notify_core::clock::Clock;
use notify_core::delivery::{DeliveryState, Reason};
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::{LimitUse, OrchestratorBuilder};
use notify_core::planner::{Budget, FrequencyCaps, LimitScope};
use notify_core::preference::PreferenceChange;
use notify_core::rate_limiter::Excess;
use notify_core::testkit::{Answer, FakeProvider, ManualClock};
use notify_core::{
    Address, Category, ChannelId, Content, DeliveryId, ErrorKind, NotificationRequest,
    Orchestrator, Priority, Recipient, Route, SendReport, Timestamp, When,
};
use std::sync::Arc;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);
const TICK: Duration = Duration::from_micros(1);

struct World {
    clock: Arc<ManualClock>,
    notify: Orchestrator,
    mail: FakeProvider,
    push: FakeProvider,
}

impl World {
    /// Ada agreed to ads, and has a mailbox and a phone.
    async fn with(change: impl FnOnce(OrchestratorBuilder) -> OrchestratorBuilder) -> Self {
        let clock = ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000));
        let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
        let mail = FakeProvider::new("mail", ChannelId::EMAIL);
        let push = FakeProvider::new("push", ChannelId::PUSH);
        let builder = Orchestrator::builder(store)
            .provider(mail.clone())
            .provider(push.clone())
            .unsubscribe_by_provider();
        let notify = change(builder).build().await.expect("builds");
        let ada = Recipient::new("ada")
            .with_email("ada@example.com")
            .with_address(Address::device("token"));
        notify.put_recipient(ada).await.expect("stored");
        for category in ["ads", "news"] {
            let change = PreferenceChange::Consent {
                recipient: "ada".into(),
                category: category.into(),
                granted: true,
                source: "signup".to_owned(),
                wording: String::new(),
            };
            // Not every world has both categories.
            if let Err(unknown) = notify.change_preferences(&change).await {
                assert_eq!(unknown.field_name(), Some("category"));
            }
        }
        Self {
            clock,
            notify,
            mail,
            push,
        }
    }

    async fn report(&self, request: NotificationRequest) -> SendReport {
        self.notify.send(request, "ada").await.expect("accepted")
    }

    /// Sends by mail and lets the workers look.
    async fn send(&self, category: &str) -> (DeliveryState, Option<Reason>) {
        let id = self.report(say(category)).await.deliveries[0].id;
        self.turn().await;
        self.state(id).await
    }

    async fn state(&self, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
        let delivery = self.notify.delivery(id).await.expect("known");
        (delivery.state, delivery.reason)
    }

    async fn turn(&self) {
        self.notify.worker().turn().await.expect("turn");
    }

    async fn limits(&self, category: &str) -> Vec<LimitUse> {
        let explained = self.notify.explain(say(category), "ada").await;
        explained.expect("explained").limits
    }
}

fn say(category: &str) -> NotificationRequest {
    NotificationRequest::new("said", category.to_owned())
        .with_content(Content::new("Hi", "There"))
        .with_route(Route::to(ChannelId::EMAIL))
}

fn ads() -> Category {
    Category::marketing("ads").by_default("push", true)
}

const SENT: (DeliveryState, Option<Reason>) = (DeliveryState::Sent, None);
const LIMITED: (DeliveryState, Option<Reason>) =
    (DeliveryState::Suppressed, Some(Reason::RateLimited));

#[tokio::test]
async fn by_default_nobody_gets_more_than_three_advertisements_by_mail_in_any_day() {
    let world = World::with(|builder| {
        builder
            .category(ads())
            .category(Category::marketing("news"))
            .category(Category::transactional("orders"))
    })
    .await;
    let first = world.clock.now();
    for category in ["ads", "news", "ads"] {
        assert_eq!(world.send(category).await, SENT);
        world.clock.advance(HOUR);
    }
    assert_eq!(world.send("news").await, LIMITED, "over all categories");
    for _ in 0..5 {
        assert_eq!(world.send("orders").await, SENT, "exempt");
    }
    world.clock.set(first + DAY - TICK);
    assert_eq!(world.send("ads").await, LIMITED);
    world.clock.set(first + DAY);
    assert_eq!(world.send("ads").await, SENT);
    assert_eq!(world.send("ads").await, LIMITED, "any day, not each day");
}

#[tokio::test]
async fn a_channel_that_is_full_does_not_stop_the_others() {
    let world = World::with(|builder| builder.category(ads())).await;
    let everywhere = || say("ads").with_route(Route::to("email").and("push"));
    for _ in 0..3 {
        let report = world.report(everywhere()).await;
        assert!(
            report
                .deliveries
                .iter()
                .all(|one| one.state == DeliveryState::Queued)
        );
    }
    let report = world.report(everywhere()).await;
    let states: Vec<_> = report
        .deliveries
        .iter()
        .map(|one| (one.state, one.reason))
        .collect();
    assert_eq!(states, [LIMITED, (DeliveryState::Queued, None)]);
    let traces: Vec<_> = report
        .deliveries
        .iter()
        .map(|one| one.trace.to_string())
        .collect();
    assert!(traces[0].ends_with("frequency:hit"), "{traces:?}");
    assert!(traces[1].ends_with("frequency:pass"), "{traces:?}");
    let fallback = say("ads").with_route(Route::to("email").fallback(When::Failed, "push"));
    let report = world.report(fallback).await;
    assert_eq!(
        report.deliveries[1].state,
        DeliveryState::Queued,
        "takes its place"
    );
}

#[tokio::test]
async fn the_policy_can_be_turned_off_and_widened() {
    let world = World::with(|builder| {
        builder
            .category(ads())
            .frequency_caps(FrequencyCaps::none())
    })
    .await;
    for _ in 0..20 {
        assert_eq!(world.send("ads").await, SENT);
    }
    assert!(world.limits("ads").await.is_empty());
    let wide = FrequencyCaps::none()
        .on("email", 1, HOUR)
        .including(notify_core::Class::Transactional);
    let world = World::with(|builder| {
        builder
            .category(Category::transactional("orders"))
            .frequency_caps(wide)
    })
    .await;
    assert_eq!(world.send("orders").await, SENT);
    assert_eq!(world.send("orders").await, LIMITED);
}

#[tokio::test]
async fn a_gap_between_two_messages_of_a_category_is_kept_to_the_microsecond() {
    let world = World::with(|builder| {
        builder.category(Category::transactional("chats").with_gap(10 * MINUTE))
    })
    .await;
    assert_eq!(world.send("chats").await, SENT);
    world.clock.advance(10 * MINUTE - TICK);
    assert_eq!(world.send("chats").await, LIMITED);
    world.clock.advance(TICK);
    assert_eq!(world.send("chats").await, SENT);
}

#[tokio::test]
async fn what_is_to_wait_goes_one_by_one_as_soon_as_there_is_room() {
    let world = World::with(|builder| {
        let digest = Category::transactional("digest").with_gap(HOUR);
        builder.category(digest.on_excess(Excess::Wait))
    })
    .await;
    let start = world.clock.now();
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(world.report(say("digest")).await.deliveries[0].id);
    }
    world.turn().await;
    assert_eq!(world.state(ids[0]).await, SENT);
    let waits = (DeliveryState::Held, Some(Reason::RateLimited));
    for id in &ids[1..] {
        assert_eq!(world.state(*id).await, waits);
        let delivery = world.notify.delivery(*id).await.expect("known");
        assert_eq!(delivery.due_at, start + HOUR);
    }
    for sent in 1..4_u32 {
        world.clock.set(start + sent * HOUR - TICK);
        world.turn().await;
        assert_eq!(
            world.mail.calls().len(),
            usize::try_from(sent).expect("small")
        );
        world.clock.set(start + sent * HOUR);
        world.turn().await;
        assert_eq!(
            world.mail.calls().len(),
            usize::try_from(sent).expect("small") + 1
        );
    }
}

#[tokio::test]
async fn what_would_expire_while_it_waits_is_not_sent() {
    let world = World::with(|builder| {
        let digest = Category::transactional("digest").with_gap(HOUR);
        builder.category(digest.on_excess(Excess::Wait).expires_after(HOUR))
    })
    .await;
    assert_eq!(world.send("digest").await, SENT);
    assert_eq!(world.send("digest").await, LIMITED);
    world.clock.advance(TICK);
    let state = world.send("digest").await;
    assert_eq!(state, (DeliveryState::Held, Some(Reason::RateLimited)));
}

#[tokio::test]
async fn a_message_that_did_not_go_out_leaves_its_place() {
    let world = World::with(|builder| {
        let retry = notify_core::RetryPolicy::default().without_jitter();
        builder.category(
            Category::transactional("chats")
                .at_most(1, HOUR)
                .with_retry(retry),
        )
    })
    .await;
    world.mail.script([Answer::RejectRequest]);
    let refused = world.send("chats").await;
    assert_eq!(refused.0, DeliveryState::Failed);
    assert_eq!(world.send("chats").await, SENT);
    assert_eq!(world.send("chats").await, LIMITED);
}

#[tokio::test]
async fn the_budget_of_a_person_gives_way_by_priority() {
    let budget = Budget::new(4, DAY).reserved(2).on_excess(Excess::Wait);
    let world = World::with(|builder| {
        builder
            .category(ads())
            .category(Category::marketing("news").with_priority(Priority::Normal))
            .category(Category::transactional("orders"))
            .category(Category::critical("alarms"))
            .frequency_caps(FrequencyCaps::none())
            .budget(budget)
    })
    .await;
    let start = world.clock.now();
    assert_eq!(world.send("ads").await, SENT);
    assert_eq!(world.send("orders").await, SENT);
    let waits = (DeliveryState::Held, Some(Reason::RateLimited));
    assert_eq!(world.send("ads").await, waits, "low stops at two");
    assert_eq!(world.send("news").await, SENT, "normal goes on to four");
    assert_eq!(world.send("orders").await, SENT);
    assert_eq!(world.send("news").await, waits);
    for _ in 0..3 {
        assert_eq!(world.send("orders").await, SENT, "high passes");
        assert_eq!(world.send("alarms").await, SENT, "and is counted");
    }
    let limits = world.limits("news").await;
    assert_eq!((limits[0].scope, limits[0].used), (LimitScope::Person, 10));
    world.clock.set(start + DAY);
    let by_push = say("ads").with_route(Route::to("push"));
    let id = world.report(by_push).await.deliveries[0].id;
    world.turn().await;
    assert_eq!(
        world.state(id).await.0,
        DeliveryState::Sent,
        "a day later there is room"
    );
    assert_eq!(world.push.calls().len(), 1);
}

#[tokio::test]
async fn two_channels_of_one_notification_share_the_last_place_of_a_budget() {
    let world = World::with(|builder| {
        builder
            .category(ads())
            .frequency_caps(FrequencyCaps::none())
            .budget(Budget::new(1, DAY))
    })
    .await;
    let report = world
        .report(say("ads").with_route(Route::to("email").and("push")))
        .await;
    let states: Vec<_> = report
        .deliveries
        .iter()
        .map(|one| (one.state, one.reason))
        .collect();
    assert_eq!(states, [(DeliveryState::Queued, None), LIMITED]);
}

#[tokio::test]
async fn any_number_of_full_channels_is_planned_around_at_once() {
    let channels = || (0..16).map(|no| ChannelId::from(format!("chat.{no}")));
    let world = World::with(|mut builder| {
        let mut chats = Category::transactional("chats").at_most(1, HOUR);
        for channel in channels() {
            chats = chats.by_default(channel.clone(), true);
            builder = builder
                .channel(Named(channel.clone()))
                .provider(FakeProvider::new(channel.to_string(), channel));
        }
        builder.category(chats)
    })
    .await;
    let everywhere = || say("chats").with_route(Route::all(channels()));
    let first = world.report(everywhere()).await;
    assert!(
        first
            .deliveries
            .iter()
            .all(|one| one.state == DeliveryState::Queued)
    );
    let second = world.report(everywhere()).await;
    let is_limited =
        |one: &notify_core::orchestrator::DeliveryReport| one.reason == Some(Reason::RateLimited);
    assert_eq!(second.deliveries.len(), 16);
    assert!(second.deliveries.iter().all(is_limited));
}

/// A chat under another name.
#[derive(Debug)]
struct Named(ChannelId);

impl notify_core::Channel for Named {
    fn id(&self) -> ChannelId {
        self.0.clone()
    }

    fn accepts(&self, address: &Address) -> bool {
        *address == Address::device("token")
    }

    fn reach(&self) -> notify_core::channel::Reach {
        notify_core::channel::Reach::One
    }

    fn parts(&self) -> &[notify_core::channel::Part] {
        &[]
    }

    fn compose(
        &self,
        _: notify_core::channel::Rendered,
    ) -> notify_core::Result<notify_core::Message> {
        Err(notify_core::Error::new(
            ErrorKind::Unsupported,
            "is never sent",
        ))
    }
}

#[tokio::test]
async fn explain_tells_what_is_allowed_what_remains_and_when_the_next_one_may_go() {
    let world = World::with(|builder| builder.category(ads().at_most(2, HOUR))).await;
    let limits = world.limits("ads").await;
    let shown = |limits: &[LimitUse]| -> Vec<_> {
        let one = |limit: &LimitUse| (limit.scope, limit.max, limit.used, limit.remaining);
        limits.iter().map(one).collect()
    };
    use LimitScope::{Category as OfCategory, Channel as OfChannel};
    assert_eq!(
        shown(&limits),
        [
            (OfCategory, Some(2), 0, Some(2)),
            (OfChannel, Some(3), 0, Some(3))
        ]
    );
    assert!(
        limits
            .iter()
            .all(|limit| limit.is_allowed() && limit.next == Some(world.clock.now()))
    );
    let first = world.clock.now();
    world.send("ads").await;
    world.clock.advance(MINUTE);
    world.send("ads").await;
    let explained = world
        .notify
        .explain(say("ads"), "ada")
        .await
        .expect("explained");
    let limits = explained.limits;
    assert_eq!(
        shown(&limits),
        [
            (OfCategory, Some(2), 2, Some(0)),
            (OfChannel, Some(3), 2, Some(1))
        ]
    );
    assert!(!limits[0].is_allowed() && limits[0].next == Some(first + HOUR));
    let trace = explained.steps[0].trace.to_string();
    assert_eq!(explained.steps[0].trace.decisive(), Some("cap"), "{trace}");
    assert!(trace.contains("frequency:pass"), "{trace}");
    for _ in 0..3 {
        assert_eq!(
            world.limits("ads").await[0].used,
            2,
            "nothing is counted by asking"
        );
    }
}

#[tokio::test]
async fn the_same_said_again_shortly_after_is_a_duplicate() {
    let world = World::with(|builder| builder.category(Category::transactional("orders"))).await;
    let request = || say("orders").with_dedup_window(HOUR);
    world.report(request()).await;
    let again = world.report(request()).await;
    assert_eq!(again.deliveries[0].reason, Some(Reason::Duplicate));
    assert!(
        again.deliveries[0]
            .trace
            .to_string()
            .ends_with("duplicate:hit")
    );
    world.clock.advance(HOUR);
    let later = world.report(request()).await;
    assert_eq!(later.deliveries[0].state, DeliveryState::Queued);
}

#[tokio::test]
async fn limits_over_no_time_are_a_mistake_of_the_configuration() {
    let wrong = [
        Orchestrator::builder(MemoryStore::new()).budget(Budget::new(1, Duration::ZERO)),
        Orchestrator::builder(MemoryStore::new())
            .frequency_caps(FrequencyCaps::none().elsewhere(1, Duration::ZERO)),
    ];
    for builder in wrong {
        let error = builder.build().await.expect_err("no window");
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
