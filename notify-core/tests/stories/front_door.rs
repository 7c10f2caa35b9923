//! Questions to the front door whose answers depend on what this process just did: templates, health, depth, dead letters, keys.

use crate::world::{guest, say};
use notify_core::clock::Clock as _;
use notify_core::delivery::{DeliveryState, Reason};
use notify_core::health::Health;
use notify_core::id::{ChannelId, IdGenerator};
use notify_core::notification::RequestHash;
use notify_core::preference::{PreferenceChange, Setting};
use notify_core::queue::{Acceptance, CancelOutcome, Job, JobKind, NewJob, Retention};
use notify_core::template::{Template, TemplateKey};
use notify_core::testkit::{
    Answer, FakeProvider, Faulty, ManualClock, Memory, Mishap, Operation, StoreHarness, assert_sent,
};
use notify_core::{
    Category, ErrorKind, IdempotencyKey, Notification, NotificationRequest, Orchestrator,
    RecipientId, RetryPolicy, Route,
};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    clock: Arc<ManualClock>,
    store: Arc<Faulty>,
    mail: FakeProvider,
    notify: Orchestrator,
}

async fn world() -> World {
    let harness = Memory::new();
    let store = Arc::new(Faulty::new(harness.open().await));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let once = RetryPolicy::never();
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders").with_retry(once))
        .build()
        .await
        .expect("builds");
    World {
        clock: harness.clock(),
        store,
        mail,
        notify,
    }
}

fn hello(text: &str) -> Template {
    Template::new("hello", "email", "en")
        .with_part("subject", "Hello")
        .with_part("text", text)
}

fn greeting() -> NotificationRequest {
    NotificationRequest::new("hello", "orders").with_route(Route::to("email"))
}

#[tokio::test]
async fn a_stored_template_is_used_by_the_very_next_send() {
    let world = world().await;
    let operator = world.notify.as_operator("olga");
    let worker = world.notify.worker();
    for (version, text) in [(None, "first"), (Some(1), "second")] {
        let stored = operator.put_template(&hello(text), version).await;
        stored.expect("stored");
        let sent = world.notify.send(greeting(), guest(1)).await;
        sent.expect("the template is known");
        worker.turn().await.expect("turn");
        assert_sent(&world.mail).containing(text).once();
    }
    let key = TemplateKey::new("hello", "email", "en");
    assert!(operator.delete_template(&key).await.expect("deleted"));
    let error = world.notify.send(greeting(), guest(1)).await;
    assert_eq!(error.expect_err("gone").kind(), ErrorKind::Template);
    assert!(!operator.delete_template(&key).await.expect("none"));
}

#[tokio::test]
async fn readiness_writes_only_if_nothing_was_committed_for_a_while() {
    let world = world().await;
    let checks = || world.store.calls_of(Operation::Check);
    assert!(world.notify.health().await.ready);
    assert_eq!(checks(), 1, "nothing was committed yet");
    for _ in 0..5 {
        world.clock.advance(SECOND);
        assert!(world.notify.health().await.ready);
    }
    assert_eq!(checks(), 1);
    world.clock.advance(Health::PROBE_AFTER - SECOND);
    world
        .notify
        .send(say("orders"), guest(1))
        .await
        .expect("accepted");
    assert!(world.notify.health().await.ready);
    world.notify.worker().turn().await.expect("turn");
    world.clock.advance(Health::PROBE_AFTER - SECOND);
    assert!(world.notify.health().await.ready);
    assert_eq!(checks(), 1, "accepting and sending are proof enough");
    world.clock.advance(SECOND);
    let full = Mishap::Refuse(ErrorKind::Full);
    world.store.always(Operation::Check, full);
    let health = world.notify.health().await;
    assert!(!health.ready && health.live && health.store.is_err());
    world.store.heal();
    assert!(world.notify.health().await.ready, "and at once again");
    assert_eq!(checks(), 3);
}

#[tokio::test]
async fn a_store_that_cannot_be_read_is_not_ready_and_the_process_lives() {
    let world = world().await;
    world
        .store
        .always_any(Mishap::Refuse(ErrorKind::Unavailable));
    let before = world.store.calls();
    assert!(world.notify.is_live());
    assert_eq!(world.store.calls(), before, "nobody was asked");
    let health = world.notify.health().await;
    assert!(!health.ready && health.live);
    assert_eq!(
        world.store.calls_of(Operation::Check),
        0,
        "no write after that"
    );
}

#[tokio::test]
async fn a_worker_that_asks_for_nothing_any_more_is_stuck() {
    let world = world().await;
    let running = crate::world::start(&world.notify);
    crate::world::until(|| async { world.notify.health().await.last_claim.is_some() }).await;
    world
        .store
        .always(Operation::Claim, Mishap::Hang { done: false });
    world.notify.wake();
    crate::world::until(|| async { world.store.calls_of(Operation::Claim) > 1 }).await;
    world.clock.advance(Health::STUCK_AFTER);
    assert!(world.notify.is_live());
    world.clock.advance(SECOND);
    assert!(!world.notify.is_live() && !world.notify.health().await.live);
    drop(running);
}

#[tokio::test]
async fn depth_counts_without_writing() {
    let world = world().await;
    world
        .notify
        .send(say("orders"), guest(1))
        .await
        .expect("accepted");
    world
        .store
        .always(Operation::Check, Mishap::Refuse(ErrorKind::Full));
    let lanes = world.notify.depth().await.expect("reads");
    assert_eq!(lanes.len(), 1);
    assert_eq!((lanes[0].ready, lanes[0].in_flight), (1, 0));
}

#[tokio::test]
async fn what_nobody_here_can_do_is_shown_in_health() {
    let world = world().await;
    let request = NotificationRequest::new("hello", "orders").with_route(Route::to("email"));
    let operator = world.notify.as_operator("olga");
    operator
        .put_template(&hello("x"), None)
        .await
        .expect("stored");
    world
        .notify
        .send(request, guest(1))
        .await
        .expect("accepted");
    let key = TemplateKey::new("hello", "email", "en");
    operator.delete_template(&key).await.expect("deleted");
    let worker = world.notify.worker();
    for _ in 0..2 {
        assert_eq!(worker.turn().await.expect("turn"), 0);
        world.clock.advance(5 * SECOND);
    }
    let unserved = world.notify.health().await.unserved;
    assert_eq!(unserved.len(), 1);
    assert_eq!(
        (unserved[0].what.as_str(), unserved[0].times),
        ("template", 2)
    );
    assert_eq!(unserved[0].last_at, world.clock.now() - 5 * SECOND);
}

#[tokio::test]
async fn a_job_of_a_kind_that_nobody_knows_is_left_and_shown() {
    let harness = Memory::new();
    let store = harness.open().await;
    let notify = Orchestrator::builder_on(Arc::clone(&store))
        .build()
        .await
        .expect("builds");
    let (ids, now) = (IdGenerator::new(1), harness.clock().now());
    let request = Arc::new(NotificationRequest::new("tick", "orders"));
    let (id, hash) = (ids.notification(now), RequestHash::from_bytes([0; 32]));
    let mut item = Acceptance::new("acme".into(), id, request, "{}", hash, now);
    let job = Job::new(JobKind::Other(7), 1);
    item.jobs.push(NewJob::new(job, now, Vec::new()));
    store.accept(vec![item]).await.expect("accepted");
    let worker = notify.worker();
    for _ in 0..3 {
        assert_eq!(worker.turn().await.expect("turn"), 0);
        assert_eq!(
            worker.turn().await.expect("turn"),
            0,
            "it is left alone for a while"
        );
        harness.clock().advance(5 * SECOND);
    }
    let health = notify.health().await;
    let shown: Vec<_> = health
        .unserved
        .iter()
        .map(|one| (one.what.as_str(), one.times))
        .collect();
    assert_eq!(shown, [("job kind 7", 3)]);
    assert_eq!(
        (health.lanes.len(), health.lanes[0].ready),
        (1, 1),
        "it is kept"
    );
}

/// A dead letter.
async fn dead(world: &World) -> notify_core::DeliveryId {
    world.mail.script([Answer::Outage]);
    let sent = world.notify.send(say("orders"), guest(1)).await;
    let id = sent.expect("accepted").deliveries[0].id;
    world.notify.worker().turn().await.expect("turn");
    id
}

#[tokio::test]
async fn a_dead_letter_that_was_taken_back_cannot_be_requeued() {
    let world = world().await;
    let id = dead(&world).await;
    let operator = world.notify.as_operator("olga");
    let answer = operator.cancel(&[id]).await.expect("answered");
    assert_eq!(answer, [CancelOutcome::Cancelled]);
    assert_eq!(operator.requeue(&[id]).await.expect("answered"), [false]);
    let delivery = world.notify.delivery(id).await.expect("known");
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Cancelled, Some(Reason::Cancelled))
    );
    assert!(
        world
            .notify
            .dead_letters(None, 9)
            .await
            .expect("listed")
            .is_empty()
    );
    let again = world.notify.cancel(id).await.expect("answered");
    assert_eq!(again, CancelOutcome::TooLate(DeliveryState::Cancelled));
}

#[tokio::test]
async fn the_worker_keeps_dead_letters_for_as_long_as_it_was_told() {
    let day = 86_400 * SECOND;
    let harness = Memory::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL).otherwise(Answer::Outage);
    let once = RetryPolicy::never();
    let keep = Retention::default()
        .with_deliveries(day)
        .with_dead_letters(3 * day);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail)
        .category(Category::transactional("orders").with_retry(once))
        .retention(keep)
        .build()
        .await
        .expect("builds");
    notify
        .send(say("orders"), guest(1))
        .await
        .expect("accepted");
    notify.worker().turn().await.expect("turn");
    let running = crate::world::start(&notify);
    let clock = harness.clock();
    let count = async || notify.dead_letters(None, 9).await.expect("listed").len();
    // The house is swept once a minute.
    let minutes = async |count: u32| {
        for _ in 0..60 * count {
            clock.sleepers(2).await;
            clock.advance(SECOND);
        }
    };
    clock.advance(2 * day);
    minutes(2).await;
    assert_eq!(count().await, 1);
    clock.advance(day);
    minutes(2).await;
    assert_eq!(count().await, 0);
    drop(running);
}

#[derive(Serialize)]
struct Shipped {
    order: &'static str,
}

impl Notification for Shipped {
    const KIND: &'static str = "hello";
    const CATEGORY: &'static str = "orders";

    fn idempotency_key(&self) -> Option<IdempotencyKey> {
        Some(format!("shipped:{}", self.order).into())
    }

    fn route(&self) -> Option<Route> {
        Some(Route::to("email"))
    }
}

#[tokio::test]
async fn a_key_stands_for_one_request_with_its_recipients_and_says_so() {
    let world = world().await;
    let operator = world.notify.as_operator("olga");
    operator
        .put_template(&hello("x"), None)
        .await
        .expect("stored");
    let order = || Shipped { order: "A-17" };
    world
        .notify
        .send(order(), guest(1))
        .await
        .expect("accepted");
    let again = world
        .notify
        .send(order(), guest(1))
        .await
        .expect("accepted");
    assert!(again.duplicate);
    let error = world
        .notify
        .send(order(), guest(2))
        .await
        .expect_err("conflict");
    assert_eq!(
        (error.kind(), error.field_name()),
        (ErrorKind::Conflict, Some("idempotency_key"))
    );
    let text = error.to_string();
    assert!(
        text.contains("recipient") && text.contains("put the recipient into the key"),
        "{text}"
    );
    for who in [1, 2] {
        let request = NotificationRequest::of(&order()).expect("JSON");
        let request = request.with_idempotency_key(format!("shipped:A-17:guest-{who}"));
        let report = world
            .notify
            .send(request, guest(who))
            .await
            .expect("accepted");
        assert!(!report.duplicate);
    }
}

#[tokio::test]
async fn a_template_that_lacks_a_part_or_has_one_too_many_is_refused_when_it_is_sent() {
    let world = world().await;
    let operator = world.notify.as_operator("ops");
    let bare = Template::new("hello", "email", "en").with_part("text", "Hi");
    let misspelt = hello("Hi").with_part("sujbect", "Hello");
    for (version, (template, part)) in [(None, (bare, "subject")), (Some(1), (misspelt, "sujbect"))]
    {
        operator
            .put_template(&template, version)
            .await
            .expect("stored");
        let refused = world.notify.send(greeting(), guest(1)).await;
        let refused = refused.expect_err("it could never be sent");
        assert_eq!(refused.kind(), ErrorKind::Template);
        assert!(refused.to_string().contains(part), "{refused}");
    }
    assert_sent(&world.mail).times(0);
}

#[tokio::test]
async fn a_preference_about_something_that_is_not_registered_is_refused() {
    let world = world().await;
    world.notify.put_recipient(guest(1)).await.expect("stored");
    let recipient = RecipientId::from("guest-1");
    let off = Setting::No;
    for (change, field) in [
        (
            PreferenceChange::Channel {
                recipient: recipient.clone(),
                channel: "emial".into(),
                setting: off,
            },
            "channel",
        ),
        (
            PreferenceChange::Cell {
                recipient: recipient.clone(),
                category: "orders".into(),
                channel: "emial".into(),
                setting: off,
            },
            "channel",
        ),
        (
            PreferenceChange::Consent {
                recipient: recipient.clone(),
                category: "newz".into(),
                granted: true,
                source: "form".into(),
                wording: String::new(),
            },
            "category",
        ),
    ] {
        let refused = world.notify.change_preferences(&change).await;
        let refused = refused.expect_err("nobody would hear of it");
        assert_eq!(
            (refused.kind(), refused.field_name()),
            (ErrorKind::Invalid, Some(field))
        );
    }
}
