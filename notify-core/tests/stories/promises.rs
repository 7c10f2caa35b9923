//! What people are promised where two rules meet: a wish and a slow store, a limit and a retry, a fallback and a line that stood.

use crate::world::{guest, say, start, until};
use async_trait::async_trait;
use notify_core::audit::Actor;
use notify_core::clock::{Clock as _, SystemClock};
use notify_core::delivery::{DeliveryState, Reason};
use notify_core::inbox::Mark;
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::WorkerOptions;
use notify_core::preference::{
    PreferenceChange, PreferenceStore, Preferences, Setting, SuppressionScope,
};
use notify_core::provider::{Fault, ProviderConfig, Schemes};
use notify_core::rate_limiter::{Quota, QuotaKey, RateLimiter, Verdict};
use notify_core::testkit::{
    Act, Answer, FakeProvider, Faulty, ManualClock, Memory, Mishap, Operation, StoreHarness,
};
use notify_core::{
    Address, Category, ChannelId, DeliveryId, Error, ErrorKind, Orchestrator, Priority, Recipient,
    RecipientId, Result, Route, TenantId, Timestamp, When,
};
use std::fmt;
use std::num::NonZeroU32;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::yield_now;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

async fn state(notify: &Orchestrator, id: DeliveryId) -> (DeliveryState, Option<Reason>) {
    let delivery = notify.delivery(id).await.expect("known");
    (delivery.state, delivery.reason)
}

fn with_two_devices() -> Recipient {
    Recipient::new("ada")
        .with_address(Address::device("device"))
        .with_address(Address::device("lost-device"))
}

#[tokio::test]
async fn a_worker_with_little_room_asks_every_lane_of_every_channel() {
    let harness = Memory::new();
    let push = FakeProvider::new("push", ChannelId::PUSH);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(FakeProvider::new("mail", ChannelId::EMAIL))
        .provider(push.clone())
        .category(Category::transactional("orders"))
        .worker_options(WorkerOptions::default().with_concurrency(2))
        .build()
        .await
        .expect("builds");
    let request = say("orders").with_route(Route::to("push"));
    notify
        .send(request, with_two_devices())
        .await
        .expect("accepted");
    assert_eq!(notify.worker().turn().await.expect("turn"), 1);
    assert_eq!(push.sent().len(), 2);
}

#[tokio::test]
async fn a_long_line_of_bulk_does_not_keep_a_small_worker_from_the_rest() {
    let harness = Memory::new();
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(FakeProvider::new("mail", ChannelId::EMAIL))
        .category(Category::transactional("orders"))
        .worker_options(WorkerOptions::default().with_concurrency(2))
        .build()
        .await
        .expect("builds");
    for no in 0..30 {
        let request = say("orders").with_priority(Priority::Low);
        notify.send(request, guest(no)).await.expect("accepted");
    }
    let report = notify.send(say("orders"), guest(99)).await;
    let id = report.expect("accepted").deliveries[0].id;
    let worker = notify.worker();
    for _ in 0..3 {
        assert_eq!(worker.turn().await.expect("turn"), 1, "one place");
    }
    assert_eq!(state(&notify, id).await.0, DeliveryState::Sent);
}

#[tokio::test]
async fn advertising_stays_advertising_whatever_the_process_calls_it_that_sends_it() {
    let harness = Memory::new();
    let store = harness.open().await;
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let with = async |category: Category| {
        let builder = Orchestrator::builder_on(Arc::clone(&store)).provider(mail.clone());
        let builder = builder.unsubscribe_by_provider();
        builder.category(category).build().await.expect("builds")
    };
    let notify = with(Category::marketing("news")).await;
    let consent = |granted| PreferenceChange::Consent {
        recipient: "guest-1".into(),
        category: "news".into(),
        granted,
        source: "form".to_owned(),
        wording: String::new(),
    };
    notify
        .change_preferences(&consent(true))
        .await
        .expect("stored");
    let report = notify.send(say("news"), guest(1)).await.expect("accepted");
    notify
        .change_preferences(&consent(false))
        .await
        .expect("stored");
    for category in [Category::transactional("news"), Category::critical("news")] {
        with(category).await.worker().turn().await.expect("turn");
    }
    let expected = (DeliveryState::Suppressed, Some(Reason::NoConsent));
    assert_eq!(state(&notify, report.deliveries[0].id).await, expected);
    assert_eq!(mail.calls().len(), 0);
}

/// Preferences of another database. Once, it takes two seconds to answer, and meanwhile somebody opts out.
#[derive(Debug)]
struct Slow {
    inner: MemoryStore,
    clock: Arc<ManualClock>,
    is_slow: Arc<AtomicBool>,
}

#[async_trait]
impl PreferenceStore for Slow {
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>> {
        let mut found = PreferenceStore::load(&self.inner, tenant, ids).await?;
        for one in &mut found {
            one.stamp = None;
        }
        if self.is_slow.swap(false, Ordering::AcqRel) {
            let out = PreferenceChange::Cell {
                recipient: ids[0].clone(),
                category: "orders".into(),
                channel: ChannelId::EMAIL,
                setting: Setting::No,
            };
            let now = self.clock.now();
            self.apply(tenant, &out, &Actor::Recipient, now).await?;
            self.clock.advance(2 * SECOND);
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
        self.inner.apply(tenant, change, actor, now).await
    }
}

#[tokio::test]
async fn what_a_slow_store_said_is_as_old_as_the_question() {
    let harness = Memory::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let is_slow = Arc::new(AtomicBool::new(false));
    let wishes = Slow {
        inner: MemoryStore::new(),
        clock: harness.clock(),
        is_slow: Arc::clone(&is_slow),
    };
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail.clone())
        .preferences(wishes)
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let report = notify.send(say("orders"), guest(1)).await;
    let id = report.expect("accepted").deliveries[0].id;
    is_slow.store(true, Ordering::Release);
    let worker = notify.worker();
    for _ in 0..2 {
        worker.turn().await.expect("turn");
    }
    let expected = (DeliveryState::Suppressed, Some(Reason::OptedOut));
    assert_eq!(state(&notify, id).await, expected);
    assert_eq!(mail.calls().len(), 0);
}

/// Mail, and a store whose rooms can fail. The category `alarm` goes whatever people want.
async fn with_faults(harness: &Memory) -> (Arc<Faulty>, FakeProvider, Orchestrator) {
    let store = Arc::new(Faulty::new(harness.open().await));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .category(Category::critical("alarm"))
        .build()
        .await
        .expect("builds");
    (store, mail, notify)
}

#[tokio::test]
async fn an_alarm_does_not_wait_for_preferences_that_its_neighbours_need() {
    let harness = Memory::new();
    let (store, mail, notify) = with_faults(&harness).await;
    for (no, category) in ["orders", "alarm"].into_iter().enumerate() {
        let accepted = notify.send(say(category), guest(no)).await;
        accepted.expect("accepted");
    }
    let refuse = Mishap::Refuse(ErrorKind::Unavailable);
    store.always(Operation::LoadPreferences, refuse);
    let worker = notify.worker();
    assert_eq!(worker.turn().await.expect("turn"), 1);
    assert_eq!(mail.sent().len(), 1);
    store.heal();
    harness.clock().advance(5 * SECOND);
    assert_eq!(worker.turn().await.expect("turn"), 1);
}

#[tokio::test]
async fn an_alarm_goes_out_although_preferences_never_answer() {
    let harness = Memory::new();
    let (store, mail, notify) = with_faults(&harness).await;
    let accepted = notify.send(say("alarm"), guest(1)).await;
    accepted.expect("accepted");
    store.always(Operation::LoadPreferences, Mishap::Hang { done: false });
    let (worker, clock) = (notify.worker(), harness.clock());
    let (settled, ()) = tokio::join!(worker.turn(), async {
        clock.sleepers(1).await;
        clock.advance(6 * SECOND);
    });
    assert_eq!(settled.expect("turn"), 1);
    assert_eq!(mail.sent().len(), 1);
}

#[tokio::test]
async fn an_alarm_is_accepted_although_preferences_cannot_be_read() {
    let harness = Memory::new();
    let (store, mail, notify) = with_faults(&harness).await;
    let refuse = Mishap::Refuse(ErrorKind::Unavailable);
    store.always(Operation::LoadPreferences, refuse);
    let refused = notify.send(say("orders"), guest(1)).await;
    assert_eq!(refused.expect_err("waits").kind(), ErrorKind::Unavailable);
    let accepted = notify.send(say("alarm"), guest(1)).await;
    accepted.expect("accepted");
    assert_eq!(notify.worker().turn().await.expect("turn"), 1);
    assert_eq!(mail.sent().len(), 1);
}

#[tokio::test]
async fn a_device_that_was_reached_keeps_its_place_while_another_is_tried_again() {
    let harness = Memory::new();
    let push = FakeProvider::new("push", ChannelId::PUSH);
    push.script_for("lost-device", [Answer::Outage, Answer::Outage]);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(push.clone())
        .category(Category::transactional("orders").at_most(1, HOUR))
        .build()
        .await
        .expect("builds");
    let request = || say("orders").with_route(Route::to("push"));
    let report = notify.send(request(), with_two_devices()).await;
    let id = report.expect("accepted").deliveries[0].id;
    let worker = notify.worker();
    for _ in 0..2 {
        assert_eq!(worker.turn().await.expect("turn"), 1);
        harness.clock().advance(SECOND);
    }
    assert_eq!((push.calls().len(), push.sent().len()), (3, 1));
    assert_eq!(state(&notify, id).await.0, DeliveryState::Queued);
    let report = notify.send(request(), with_two_devices()).await;
    let id = report.expect("accepted").deliveries[0].id;
    let expected = (DeliveryState::Suppressed, Some(Reason::RateLimited));
    assert_eq!(state(&notify, id).await, expected);
}

#[tokio::test]
async fn what_was_never_begun_leaves_its_place() {
    let harness = Memory::new();
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(FakeProvider::new("mail", ChannelId::EMAIL))
        .category(Category::transactional("orders").at_most(1, HOUR))
        .build()
        .await
        .expect("builds");
    let request = || say("orders").with_expires_after(10 * SECOND);
    let report = notify.send(request(), guest(1)).await.expect("accepted");
    harness.clock().advance(10 * SECOND);
    assert_eq!(notify.worker().turn().await.expect("turn"), 1);
    let first = state(&notify, report.deliveries[0].id).await;
    assert_eq!(first.0, DeliveryState::Expired);
    let report = notify.send(request(), guest(1)).await.expect("accepted");
    assert_eq!(report.deliveries[0].state, DeliveryState::Queued);
}

#[tokio::test]
async fn a_fallback_still_comes_after_a_weekend_in_which_nobody_worked() {
    let harness = Memory::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    mail.script([Act::Fault(Fault::recipient("5.1.1"))]);
    let sms = FakeProvider::new("sms", ChannelId::SMS);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail.clone())
        .provider(sms.clone())
        .category(Category::critical("alarm"))
        .build()
        .await
        .expect("builds");
    let route = Route::to("email").fallback(When::Failed, "sms");
    let person = guest(1).with_phone("+15550100");
    let accepted = notify.send(say("alarm").with_route(route), person).await;
    let ids = accepted.expect("accepted").deliveries;
    harness.clock().advance(50 * HOUR);
    let worker = notify.worker();
    for _ in 0..3 {
        worker.turn().await.expect("turn");
    }
    assert_eq!(mail.calls().len(), 1);
    assert_eq!(state(&notify, ids[1].id).await.0, DeliveryState::Sent);
    assert_eq!(sms.sent().len(), 1);
}

#[tokio::test]
async fn a_device_that_was_suppressed_is_not_tried_again() {
    let harness = Memory::new();
    let push = FakeProvider::new("push", ChannelId::PUSH);
    push.script([Answer::Outage, Answer::Outage]);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(push.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let request = say("orders").with_route(Route::to("push"));
    let accepted = notify.send(request, with_two_devices()).await;
    accepted.expect("accepted");
    let worker = notify.worker();
    assert_eq!(worker.turn().await.expect("turn"), 1);
    let lost = Address::device("lost-device");
    let operator = notify.as_operator("op");
    operator
        .suppress(&ChannelId::PUSH, &lost, SuppressionScope::All)
        .await
        .expect("suppressed");
    harness.clock().advance(SECOND);
    assert_eq!(worker.turn().await.expect("turn"), 1);
    let calls = push.calls();
    let to = |whom: &str| calls.iter().filter(|call| call.to() == whom).count();
    assert_eq!((to("device"), to("lost-device")), (2, 1));
}

#[tokio::test]
async fn a_device_that_was_suppressed_and_given_away_is_not_tried_again_either() {
    let harness = Memory::new();
    let push = FakeProvider::new("push", ChannelId::PUSH);
    push.script([Answer::Outage, Answer::Outage]);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(push.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let stored = notify.put_recipient(with_two_devices()).await;
    stored.expect("stored");
    let request = say("orders").with_route(Route::to("push"));
    let report = notify.send(request, "ada").await.expect("accepted");
    let worker = notify.worker();
    assert_eq!(worker.turn().await.expect("turn"), 1);
    let lost = Address::device("lost-device");
    let operator = notify.as_operator("op");
    operator
        .suppress(&ChannelId::PUSH, &lost, SuppressionScope::All)
        .await
        .expect("suppressed");
    let ada = Recipient::new("ada").with_address(Address::device("device"));
    notify.put_recipient(ada).await.expect("stored");
    harness.clock().advance(SECOND);
    for _ in 0..2 {
        worker.turn().await.expect("turn");
    }
    let id = report.deliveries[0].id;
    assert_eq!(state(&notify, id).await.0, DeliveryState::Sent);
    let calls = push.calls();
    let to = |whom: &str| calls.iter().filter(|call| call.to() == whom).count();
    assert_eq!((to("device"), to("lost-device")), (2, 1));
}

/// A limiter that lets everything pass. Something happens while it is asked: after the decision, and before the call is begun.
struct Meanwhile(Arc<Mutex<Option<Happening>>>);

type Happening = Pin<Box<dyn Future<Output = ()> + Send>>;

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

#[async_trait]
impl RateLimiter for Meanwhile {
    async fn acquire(&self, _: &[QuotaKey], _: NonZeroU32, _: Timestamp) -> Result<Verdict> {
        let happening = self.0.lock().expect("lock").take();
        if let Some(happening) = happening {
            happening.await;
        }
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
async fn a_device_that_is_suppressed_right_before_the_call_is_left_out() {
    let harness = Memory::new();
    let push = FakeProvider::new("push", ChannelId::PUSH);
    let meanwhile = Arc::default();
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(push.clone())
        .rate_limiter(Meanwhile(Arc::clone(&meanwhile)))
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let request = say("orders").with_route(Route::to("push"));
    let accepted = notify.send(request, with_two_devices()).await;
    accepted.expect("accepted");
    let operator = notify.as_operator("op");
    *meanwhile.lock().expect("lock") = Some(Box::pin(async move {
        let (push, lost) = (ChannelId::PUSH, Address::device("lost-device"));
        let suppressed = operator.suppress(&push, &lost, SuppressionScope::All).await;
        suppressed.expect("suppressed");
    }));
    let worker = notify.worker();
    for _ in 0..2 {
        worker.turn().await.expect("turn");
    }
    let called: Vec<_> = push
        .calls()
        .iter()
        .map(|call| call.to().to_owned())
        .collect();
    assert_eq!(called, ["device"]);
}

#[tokio::test]
async fn a_reminder_of_what_is_read_right_before_it_does_not_go() {
    let harness = Memory::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let meanwhile = Arc::default();
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail.clone())
        .rate_limiter(Meanwhile(Arc::clone(&meanwhile)))
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let route = Route::to("in_app").fallback(When::NotSeenWithin(HOUR), "email");
    let request = say("orders").with_route(route);
    let accepted = notify.send(request, guest(1)).await.expect("accepted");
    let worker = notify.worker();
    worker.turn().await.expect("turn");
    harness.clock().advance(HOUR);
    let inbox = notify.inbox("guest-1");
    *meanwhile.lock().expect("lock") = Some(Box::pin(async move {
        inbox.mark(&[1], Mark::Read).await.expect("marked");
    }));
    for _ in 0..2 {
        worker.turn().await.expect("turn");
    }
    let expected = (DeliveryState::Cancelled, Some(Reason::NotNeeded));
    assert_eq!(state(&notify, accepted.deliveries[1].id).await, expected);
    assert_eq!(mail.calls().len(), 0);
}

#[tokio::test]
async fn a_store_that_restarts_is_waited_for_so_that_nothing_goes_out_twice() {
    let harness = Memory::new();
    let (store, mail, notify) = with_faults(&harness).await;
    let report = notify.send(say("orders"), guest(1)).await;
    let id = report.expect("accepted").deliveries[0].id;
    store.always(Operation::Settle, Mishap::Refuse(ErrorKind::Unavailable));
    let (worker, clock) = (notify.worker(), harness.clock());
    let mut turn = pin!(worker.turn());
    let mut passed = Duration::ZERO;
    let settled = loop {
        tokio::select! {
            biased;
            settled = &mut turn => break settled,
            _ = clock.sleepers(1) => {
                clock.advance(SECOND);
                passed += SECOND;
                if passed == 30 * SECOND {
                    store.heal();
                }
            }
        }
    };
    assert_eq!(settled.expect("turn"), 1);
    assert_eq!(state(&notify, id).await.0, DeliveryState::Sent);
    assert_eq!(mail.calls().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_forward_ends_no_lease() {
    let harness = Memory::new();
    let (_, mail, notify) = with_faults(&harness).await;
    mail.hold();
    let (running, clock) = (start(&notify), harness.clock());
    let accepted = notify.send(say("orders"), guest(1)).await;
    accepted.expect("accepted");
    while mail.under_way() == 0 {
        clock.advance(Duration::from_millis(100));
        yield_now().await;
    }
    clock.set(clock.now() + 24 * HOUR);
    for _ in 0..50 {
        clock.advance(Duration::from_millis(100));
        for _ in 0..20 {
            yield_now().await;
        }
    }
    assert_eq!(mail.under_way(), 1, "nobody takes it over");
    mail.release();
    let stopped = running.stop_soon();
    let drained = stopped.await.expect("no panic").expect("a clean end");
    assert_eq!((drained.settled, mail.calls().len()), (1, 1));
}

#[tokio::test]
async fn leases_are_kept_although_counting_what_waits_never_ends() {
    let memory = MemoryStore::new();
    let store = Arc::new(Faulty::new(Arc::new(memory.clone())));
    let short = || WorkerOptions::default().with_lease(Duration::from_millis(300));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    mail.set_otherwise(Act::Stuck { written: true });
    let slow = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .worker_options(short())
        .build()
        .await
        .expect("builds");
    store.always(Operation::Depth, Mishap::Hang { done: false });
    let first = start(&slow);
    slow.send(say("orders"), guest(1)).await.expect("accepted");
    until(|| async { mail.calls().len() == 1 }).await;
    let other = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder(memory)
        .provider(other.clone())
        .category(Category::transactional("orders"))
        .worker_options(short())
        .build()
        .await
        .expect("builds");
    let second = start(&notify);
    SystemClock::new().sleep(Duration::from_millis(900)).await;
    let calls = (mail.calls().len(), other.calls().len());
    assert_eq!(calls, (1, 0), "it is still in good hands");
    second.stop().await;
    first.stop().await;
}

#[tokio::test]
async fn a_configured_provider_whose_secret_comes_late_is_there_soon_after() {
    let harness = Memory::new();
    let is_there = Arc::new(AtomicBool::new(false));
    let vault = Arc::clone(&is_there);
    let schemes = Schemes::new().with("fake", move |_| {
        if vault.load(Ordering::Acquire) {
            return Ok(FakeProvider::new("late", ChannelId::SMS));
        }
        let why = "the vault does not answer";
        Err(Error::new(ErrorKind::Unavailable, why))
    });
    let notify = Orchestrator::builder_on(harness.open().await)
        .schemes(schemes)
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let config = ProviderConfig::new(ChannelId::SMS, "late", "fake://");
    let operator = notify.as_operator("op");
    operator.put_provider(&config, 0).await.expect("stored");
    let is_in_use = async || {
        let breakers = notify.health().await.breakers;
        breakers.iter().any(|(name, _)| name.as_str() == "late")
    };
    assert!(!is_in_use().await, "it cannot be built yet");
    is_there.store(true, Ordering::Release);
    let (running, clock) = (start(&notify), harness.clock());
    for _ in 0..200 {
        clock.advance(SECOND);
        yield_now().await;
        if is_in_use().await {
            break;
        }
    }
    assert!(is_in_use().await, "nobody has to change anything for it");
    let stopped = running.stop_soon();
    stopped.await.expect("no panic").expect("a clean end");
}

#[tokio::test]
async fn a_failover_of_many_is_not_held_back_by_the_budget_for_retries() {
    let down = FakeProvider::new("down", ChannelId::EMAIL).otherwise(Answer::Outage);
    let backup = FakeProvider::new("backup", ChannelId::EMAIL);
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(down.clone())
        .provider(backup.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    for no in 0..60 {
        let sent = notify.send(say("orders"), guest(no)).await;
        sent.expect("accepted");
    }
    let worker = notify.worker();
    for _ in 0..6 {
        worker.turn().await.expect("turn");
    }
    assert_eq!(backup.sent().len(), 60, "each at once, in its first round");
}
