//! End to end on the memory store and a manual clock: one story a test.

use async_trait::async_trait;
use notify_core::clock::Clock;
use notify_core::delivery::{DeliveryState, EventKind, Reason};
use notify_core::inbox::Mark;
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::{DeliveryReport, WorkerOptions};
use notify_core::preference::{PreferenceChange, Setting};
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::queue::CancelOutcome;
use notify_core::template::{Template, Templates};
use notify_core::testkit::ManualClock;
use notify_core::{
    Address, Category, ChannelId, Content, ErrorKind, NotificationRequest, Orchestrator, Priority,
    ProviderName, Recipient, RetryPolicy, Route, Timestamp, When,
};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a scripted provider does with the next call.
#[derive(Clone, Debug)]
enum Next {
    Fail(Fault),
    Panic,
}

/// Takes every message, unless its script says otherwise; remembers what it was given.
#[derive(Clone, Debug)]
struct Scripted {
    name: ProviderName,
    able: Capabilities,
    script: Arc<Mutex<VecDeque<Next>>>,
    calls: Arc<Mutex<Vec<Envelope>>>,
}

impl Scripted {
    fn new(name: &'static str, channel: ChannelId) -> Self {
        Self {
            name: ProviderName::new(name),
            able: Capabilities::for_channel(channel),
            script: Arc::default(),
            calls: Arc::default(),
        }
    }

    fn then(self, next: Next) -> Self {
        self.script.lock().expect("lock").push_back(next);
        self
    }

    fn calls(&self) -> Vec<Envelope> {
        self.calls.lock().expect("lock").clone()
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        self.calls.lock().expect("lock").push(envelope.clone());
        let next = self.script.lock().expect("lock").pop_front();
        match next {
            None => Ok(Receipt::with_message_id("m-1")),
            Some(Next::Fail(fault)) => Err(fault),
            Some(Next::Panic) => panic!("a provider's bug"),
        }
    }
}

struct World {
    clock: Arc<ManualClock>,
    notify: Orchestrator,
}

fn templates() -> Templates {
    Templates::new()
        .add(
            Template::new("shipped", "email", "en")
                .with_part("subject", "Order {{order}}")
                .with_part("text", "Hello {{recipient.name}}, {{order}} is on its way."),
        )
        .add(
            Template::new("shipped", "email", "de")
                .with_part("subject", "Bestellung {{order}}")
                .with_part("text", "Hallo {{recipient.name}}, {{order}} ist unterwegs."),
        )
        .add(Template::new("shipped", "sms", "en").with_part("text", "{{order}} is on its way"))
}

async fn world(providers: Vec<Scripted>) -> World {
    world_with(providers, |builder| builder).await
}

async fn world_with(
    providers: Vec<Scripted>,
    change: impl FnOnce(
        notify_core::orchestrator::OrchestratorBuilder,
    ) -> notify_core::orchestrator::OrchestratorBuilder,
) -> World {
    let clock = ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000));
    let store = MemoryStore::with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let retry = RetryPolicy::default().without_jitter();
    let mut builder = Orchestrator::builder(store)
        .unsubscribe_by_provider()
        .category(
            Category::transactional("orders")
                .with_retry(retry)
                .by_default("sms", true),
        )
        .category(
            Category::marketing("news")
                .with_retry(retry)
                .at_most(2, Duration::from_secs(3_600)),
        )
        .category(Category::critical("security").with_retry(retry))
        .templates(templates());
    for provider in providers {
        builder = builder.provider(provider);
    }
    let notify = change(builder).build().await.expect("builds");
    let ada = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_phone("+15550100")
        .with_attribute("name", "Ada");
    let bob = Recipient::new("bob")
        .with_email("bob@example.com")
        .with_locale("de-AT")
        .with_attribute("name", "Bob");
    notify.put_recipients(&[ada, bob]).await.expect("stored");
    World { clock, notify }
}

fn shipped() -> NotificationRequest {
    NotificationRequest::new("shipped", "orders")
        .with_route(Route::to("email"))
        .with_data(json!({ "order": "A-17" }))
        .expect("json")
}

fn email() -> Scripted {
    Scripted::new("mail", ChannelId::EMAIL)
}

fn say(category: &str) -> NotificationRequest {
    NotificationRequest::new("said", category.to_owned())
        .with_route(Route::to("email"))
        .with_content(Content::new("Hi", "There"))
}

fn only(deliveries: &[DeliveryReport]) -> &DeliveryReport {
    assert_eq!(deliveries.len(), 1, "one delivery");
    &deliveries[0]
}

#[tokio::test]
async fn a_notification_reaches_its_recipient_in_their_language() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let report = world.notify.send(shipped(), "bob").await.expect("accepted");
    assert_eq!(only(&report.deliveries).state, DeliveryState::Queued);
    assert_eq!(world.notify.worker().turn().await.expect("turn"), 1);
    let calls = mail.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].address, Address::email("bob@example.com"));
    let message = calls[0].message.to_json().expect("json");
    assert_eq!(message["subject"], "Bestellung A-17");
    let delivery = world
        .notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("known");
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Sent, 1)
    );
    assert_eq!(delivery.message_id.as_deref(), Some("m-1"));
    let kinds: Vec<_> = world
        .notify
        .timeline(delivery.id)
        .await
        .expect("known")
        .iter()
        .map(|e| e.kind)
        .collect();
    assert_eq!(kinds.first(), Some(&EventKind::Accepted));
    assert_eq!(kinds.last(), Some(&EventKind::Sent));
}

#[tokio::test]
async fn the_same_key_and_request_is_accepted_once_and_another_request_is_a_conflict() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let first = world
        .notify
        .send(shipped().with_idempotency_key("k"), "ada")
        .await
        .expect("accepted");
    let again = world
        .notify
        .send(shipped().with_idempotency_key("k"), "ada")
        .await
        .expect("accepted");
    assert!(again.duplicate && again.id == first.id && again.deliveries.len() == 1);
    let other = shipped()
        .with_data(json!({ "order": "B" }))
        .expect("json")
        .with_idempotency_key("k");
    let error = world.notify.send(other, "ada").await.expect_err("conflict");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let elsewhere = world.notify.tenant("acme");
    elsewhere
        .put_recipient(Recipient::new("ada").with_email("ada@example.com"))
        .await
        .expect("stored");
    let attributes = shipped()
        .with_content(Content::new("a", "b"))
        .with_idempotency_key("k");
    assert!(
        !elsewhere
            .send(attributes, "ada")
            .await
            .expect("accepted")
            .duplicate,
        "another tenant's key"
    );
    world.notify.worker().turn().await.expect("turn");
    assert_eq!(mail.calls().len(), 2);
}

#[tokio::test]
async fn bad_input_is_refused_with_the_field_and_stores_nothing() {
    let world = world(vec![email()]).await;
    let notify = &world.notify;
    let large = json!({ "order": "x".repeat(70_000) });
    let cases = [
        (
            ErrorKind::Invalid,
            "category",
            NotificationRequest::new("shipped", "nonsense"),
            "ada",
        ),
        (ErrorKind::NotFound, "recipient", shipped(), "nobody"),
        (
            ErrorKind::Template,
            "template",
            NotificationRequest::new("unheard", "orders"),
            "ada",
        ),
        (
            ErrorKind::Invalid,
            "data",
            shipped().with_data(large).expect("json"),
            "ada",
        ),
        (
            ErrorKind::Invalid,
            "route",
            shipped().with_route(Route::to("pigeon")),
            "ada",
        ),
        (
            ErrorKind::Invalid,
            "priority",
            shipped().with_priority(Priority::Critical),
            "ada",
        ),
    ];
    for (kind, field, request, to) in cases {
        let error = notify.send(request, to).await.expect_err(field);
        assert_eq!(
            (error.kind(), error.field_name()),
            (kind, Some(field)),
            "{error}"
        );
    }
    let missing = NotificationRequest::new("shipped", "orders").with_route(Route::to("email"));
    let error = notify.send(missing, "ada").await.expect_err("variable");
    assert_eq!(error.kind(), ErrorKind::Template);
    assert!(error.to_string().contains("order"), "{error}");
    let inline = Recipient::new("guest").with_email("not an address");
    let error = notify.send(shipped(), inline).await.expect_err("address");
    assert_eq!(error.field_name(), Some("recipient.addresses[0]"));
    assert_eq!(notify.history_count("ada").await.expect("count"), 0);
}

#[tokio::test]
async fn with_every_channel_off_it_is_accepted_with_a_reason_and_nothing_is_sent() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let off = PreferenceChange::Channel {
        recipient: "ada".into(),
        channel: ChannelId::EMAIL,
        setting: Setting::No,
    };
    world.notify.change_preferences(&off).await.expect("stored");
    let report = world.notify.send(shipped(), "ada").await.expect("accepted");
    assert!(!report.is_going());
    assert_eq!(only(&report.deliveries).reason, Some(Reason::OptedOut));
    world.notify.worker().turn().await.expect("turn");
    assert!(mail.calls().is_empty());
}

#[tokio::test]
async fn an_opt_out_takes_effect_on_what_is_already_queued() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let report = world.notify.send(shipped(), "ada").await.expect("accepted");
    let off = PreferenceChange::Cell {
        recipient: "ada".into(),
        category: "orders".into(),
        channel: ChannelId::EMAIL,
        setting: Setting::No,
    };
    world.notify.change_preferences(&off).await.expect("stored");
    world.notify.worker().turn().await.expect("turn");
    assert!(mail.calls().is_empty());
    let delivery = world
        .notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("known");
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Suppressed, Some(Reason::OptedOut))
    );
}

#[tokio::test]
async fn an_outage_is_retried_at_1_4_and_16_seconds_then_dead_and_can_be_requeued() {
    let mail = (0..4).fold(email(), |mail, _| {
        mail.then(Next::Fail(Fault::provider("503")))
    });
    let world = world(vec![mail.clone()]).await;
    let id = world
        .notify
        .send(shipped(), "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    let worker = world.notify.worker();
    for seconds in [1, 4, 16] {
        worker.turn().await.expect("turn");
        worker.turn().await.expect("not due yet");
        world.clock.advance(Duration::from_secs(seconds));
    }
    worker.turn().await.expect("turn");
    assert_eq!(mail.calls().len(), 4, "four attempts in all");
    let keys: std::collections::BTreeSet<_> = mail
        .calls()
        .iter()
        .map(|call| call.key.to_string())
        .collect();
    assert_eq!(keys.len(), 1, "the same idempotency key at every attempt");
    let dead = world.notify.dead_letters(None, 10).await.expect("listed");
    assert_eq!(
        dead.iter().map(|d| (d.id, d.reason)).collect::<Vec<_>>(),
        [(id, Some(Reason::AttemptsSpent))]
    );
    let operator = world.notify.as_operator("olga");
    assert_eq!(operator.requeue(&[id]).await.expect("requeued"), [true]);
    world.clock.advance(Duration::from_secs(60));
    worker.turn().await.expect("turn");
    assert_eq!(
        world.notify.delivery(id).await.expect("known").state,
        DeliveryState::Sent
    );
    let log = operator.audit_log(None, 10).await.expect("log");
    assert!(
        log.iter()
            .any(|entry| entry.actor == "olga" && entry.action.contains("requeue")),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_dead_address_fails_at_once_and_is_never_used_again() {
    let mail = email().then(Next::Fail(Fault::recipient("5.1.1")));
    let world = world(vec![mail.clone()]).await;
    let id = world
        .notify
        .send(shipped(), "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    world.notify.worker().turn().await.expect("turn");
    assert_eq!(
        world.notify.delivery(id).await.expect("known").state,
        DeliveryState::Failed
    );
    let next = world.notify.send(shipped(), "ada").await.expect("accepted");
    assert_eq!(
        only(&next.deliveries).reason,
        Some(Reason::AddressSuppressed)
    );
    assert_eq!(mail.calls().len(), 1);
}

#[tokio::test]
async fn the_next_provider_takes_over_at_once_on_an_outage_and_never_on_a_bad_recipient() {
    let first = email()
        .then(Next::Fail(Fault::provider("503")))
        .then(Next::Fail(Fault::recipient("5.1.1")));
    let second = Scripted::new("backup", ChannelId::EMAIL);
    let world = world(vec![first.clone(), second.clone()]).await;
    let worker = world.notify.worker();
    let id = world
        .notify
        .send(shipped(), "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    worker.turn().await.expect("turn");
    worker.turn().await.expect("turn");
    assert_eq!((first.calls().len(), second.calls().len()), (1, 1));
    let delivery = world.notify.delivery(id).await.expect("known");
    assert_eq!(
        delivery.provider.as_ref().map(ProviderName::as_str),
        Some("backup")
    );
    world.notify.send(shipped(), "bob").await.expect("accepted");
    worker.turn().await.expect("turn");
    worker.turn().await.expect("turn");
    assert_eq!((first.calls().len(), second.calls().len()), (2, 1));
}

#[tokio::test]
async fn an_unknown_outcome_is_resent_for_transactional_and_parked_for_marketing() {
    let mail = email()
        .then(Next::Fail(Fault::unknown("timeout")))
        .then(Next::Fail(Fault::unknown("timeout")));
    let world = world(vec![mail.clone()]).await;
    let worker = world.notify.worker();
    let orders = world
        .notify
        .send(say("orders"), "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    worker.turn().await.expect("turn");
    let agree = PreferenceChange::Consent {
        recipient: "ada".into(),
        category: "news".into(),
        granted: true,
        source: "test".into(),
        wording: String::new(),
    };
    world
        .notify
        .change_preferences(&agree)
        .await
        .expect("stored");
    let news = world
        .notify
        .send(say("news"), "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    worker.turn().await.expect("turn");
    world.clock.advance(Duration::from_secs(5));
    worker.turn().await.expect("turn");
    assert_eq!(
        world.notify.delivery(orders).await.expect("known").state,
        DeliveryState::Sent
    );
    let parked = world.notify.delivery(news).await.expect("known");
    assert_eq!(
        (parked.state, parked.reason),
        (DeliveryState::Parked, Some(Reason::OutcomeUnknown))
    );
}

#[tokio::test]
async fn marketing_needs_consent_and_a_cap_holds_exactly() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let refused = world
        .notify
        .send(say("news"), "ada")
        .await
        .expect("accepted");
    assert_eq!(only(&refused.deliveries).reason, Some(Reason::NoConsent));
    let agree = PreferenceChange::Consent {
        recipient: "ada".into(),
        category: "news".into(),
        granted: true,
        source: "test".into(),
        wording: String::new(),
    };
    world
        .notify
        .change_preferences(&agree)
        .await
        .expect("stored");
    let mut reasons = Vec::new();
    for _ in 0..3 {
        let report = world
            .notify
            .send(say("news"), "ada")
            .await
            .expect("accepted");
        reasons.push(only(&report.deliveries).reason);
    }
    assert_eq!(reasons, [None, None, Some(Reason::RateLimited)]);
    world.notify.worker().turn().await.expect("turn");
    assert_eq!(mail.calls().len(), 2);
    world.clock.advance(Duration::from_secs(3_601));
    let later = world
        .notify
        .send(say("news"), "ada")
        .await
        .expect("accepted");
    assert_eq!(
        only(&later.deliveries).reason,
        None,
        "the window has passed"
    );
}

#[tokio::test]
async fn what_expires_in_the_queue_is_never_sent() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let request = shipped().with_expires_after(Duration::from_secs(60));
    let id = world
        .notify
        .send(request, "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    world.clock.advance(Duration::from_secs(60));
    world.notify.worker().turn().await.expect("turn");
    assert!(mail.calls().is_empty());
    assert_eq!(
        world.notify.delivery(id).await.expect("known").state,
        DeliveryState::Expired
    );
}

#[tokio::test]
async fn a_panic_of_a_provider_touches_only_its_own_delivery() {
    let mail = email().then(Next::Panic);
    let sms = Scripted::new("texts", ChannelId::SMS);
    let world = world(vec![mail.clone(), sms.clone()]).await;
    let request = shipped().with_route(Route::to("email").and("sms"));
    world.notify.send(request, "ada").await.expect("accepted");
    assert_eq!(world.notify.worker().turn().await.expect("turn"), 2);
    assert_eq!(sms.calls().len(), 1);
    world.clock.advance(Duration::from_secs(5));
    world.notify.worker().turn().await.expect("turn");
    assert_eq!(mail.calls().len(), 2, "an unknown outcome, sent again");
}

#[tokio::test]
async fn a_fallback_goes_out_when_the_first_channel_fails_and_not_when_it_works() {
    let mail = email().then(Next::Fail(Fault::recipient("5.1.1")));
    let sms = Scripted::new("texts", ChannelId::SMS);
    let world = world(vec![mail.clone(), sms.clone()]).await;
    let route = Route::to("email").fallback(When::Failed, "sms");
    let worker = world.notify.worker();
    let report = world
        .notify
        .send(shipped().with_route(route.clone()), "ada")
        .await
        .expect("accepted");
    assert_eq!(report.deliveries[1].state, DeliveryState::Held);
    worker.turn().await.expect("turn");
    worker.turn().await.expect("turn");
    assert_eq!((mail.calls().len(), sms.calls().len()), (1, 1));
    let carl = Recipient::new("carl")
        .with_email("carl@example.com")
        .with_phone("+15550101")
        .with_attribute("name", "C");
    let fine = world
        .notify
        .send(shipped().with_route(route), carl)
        .await
        .expect("accepted");
    worker.turn().await.expect("turn");
    world.clock.advance(Duration::from_secs(90_000));
    worker.turn().await.expect("turn");
    let waiting = world
        .notify
        .delivery(fine.deliveries[1].id)
        .await
        .expect("known");
    assert_eq!(
        (waiting.state, waiting.reason),
        (DeliveryState::Cancelled, Some(Reason::NotNeeded))
    );
    assert_eq!(sms.calls().len(), 1);
}

#[tokio::test]
async fn cancel_wins_before_the_call_and_comes_too_late_after_it() {
    let world = world(vec![email()]).await;
    let (early, late) = (
        world.notify.send(shipped(), "ada").await.expect("accepted"),
        world.notify.send(shipped(), "bob").await.expect("accepted"),
    );
    let id = early.deliveries[0].id;
    assert_eq!(
        world.notify.cancel(id).await.expect("answered"),
        CancelOutcome::Cancelled
    );
    world.notify.worker().turn().await.expect("turn");
    let late = world
        .notify
        .cancel(late.deliveries[0].id)
        .await
        .expect("answered");
    assert_eq!(late, CancelOutcome::TooLate(DeliveryState::Sent));
    assert_eq!(
        world.notify.delivery(id).await.expect("known").state,
        DeliveryState::Cancelled
    );
}

#[tokio::test]
async fn explain_says_what_send_would_do_and_stores_nothing() {
    let world = world(vec![email()]).await;
    let explained = world
        .notify
        .explain(say("news"), "ada")
        .await
        .expect("explained");
    assert_eq!(explained.steps[0].trace.decisive(), Some("preference"));
    assert_eq!(world.notify.history_count("ada").await.expect("count"), 0);
}

#[tokio::test]
async fn the_inbox_receives_each_delivery_once_and_counts_it() {
    let world = world(vec![]).await;
    let request = say("orders").with_route(Route::to(ChannelId::IN_APP));
    let id = world
        .notify
        .send(request, "ada")
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    world.notify.worker().turn().await.expect("turn");
    let inbox = world.notify.inbox("ada");
    let items = inbox.page(None, 10).await.expect("page");
    assert_eq!(items.len(), 1);
    assert_eq!(
        (items[0].message.title.as_str(), items[0].delivery),
        ("Hi", id)
    );
    let counts = inbox
        .mark(&[items[0].sequence], Mark::Read)
        .await
        .expect("marked");
    assert_eq!((counts.unread, counts.unseen), (0, 0));
    assert!(
        world
            .notify
            .delivery(id)
            .await
            .expect("known")
            .read_at
            .is_some()
    );
}

#[tokio::test]
async fn a_batch_has_a_result_for_each_and_one_bad_item_fails_alone() {
    let mail = email();
    let world = world(vec![mail.clone()]).await;
    let batch = [
        (shipped(), "ada"),
        (shipped(), "nobody"),
        (NotificationRequest::new("shipped", "nonsense"), "ada"),
        (shipped(), "bob"),
    ];
    let results = world.notify.send_batch(batch).await.expect("answered");
    let fine: Vec<_> = results.iter().map(Result::is_ok).collect();
    assert_eq!(fine, [true, false, false, true]);
    assert_eq!(world.notify.worker().turn().await.expect("turn"), 2);
    assert_eq!(mail.calls().len(), 2);
}

#[tokio::test]
async fn one_tenant_never_sees_the_other() {
    let world = world(vec![email()]).await;
    let report = world.notify.send(shipped(), "ada").await.expect("accepted");
    let other = world.notify.tenant("acme");
    assert_eq!(
        other
            .delivery(report.deliveries[0].id)
            .await
            .expect_err("hidden")
            .kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        other
            .notification(report.id)
            .await
            .expect_err("hidden")
            .kind(),
        ErrorKind::NotFound
    );
    assert!(
        other
            .history("ada", None, 10)
            .await
            .expect("page")
            .is_empty()
    );
    let answer = other
        .cancel(report.deliveries[0].id)
        .await
        .expect("answered");
    assert_eq!(answer, CancelOutcome::NotFound);
}

#[tokio::test]
async fn a_running_worker_is_handed_what_is_accepted_and_drains_at_shutdown() {
    let mail = email();
    let store = MemoryStore::new();
    let notify = Orchestrator::builder(store)
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .worker_options(WorkerOptions::default().with_poll(Duration::from_millis(5)))
        .build()
        .await
        .expect("builds");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = notify.worker();
    let running = tokio::spawn(async move {
        worker
            .run(async {
                let _ = stopped.await;
            })
            .await
    });
    for n in 0..200 {
        let guest = Recipient::new(format!("guest-{n}")).with_email("guest@example.com");
        notify.send(say("orders"), guest).await.expect("accepted");
    }
    while mail.calls().len() < 200 {
        tokio::task::yield_now().await;
    }
    let _ = stop.send(());
    let drained = running.await.expect("no panic").expect("a clean end");
    assert_eq!((drained.settled, drained.abandoned), (200, 0));
    let health = notify.health().await;
    assert!(
        health.ready
            && health
                .lanes
                .iter()
                .all(|lane| lane.ready + lane.waiting + lane.in_flight == 0)
    );
}
