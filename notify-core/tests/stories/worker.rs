//! What a worker does when something goes wrong around it, when there is more than it can take, and when it stops.

use crate::world::{Crowd, guest, running, say, start, until};
use async_trait::async_trait;
use notify_core::channel::{Channel, Part, Rendered, SmsChannel};
use notify_core::clock::{Clock as _, Entropy, SystemClock};
use notify_core::delivery::{DeliveryState, EventKind, Reason};
use notify_core::memory::MemoryStore;
use notify_core::orchestrator::WorkerOptions;
use notify_core::provider::Capabilities;
use notify_core::queue::LaneDepth;
use notify_core::testkit::mutant::{Mutant, Mutation};
use notify_core::testkit::{
    Act, Answer, FakeProvider, Faulty, Memory, Mishap, Operation, StoreHarness,
};
use notify_core::{
    Address, Category, ChannelId, ErrorKind, Message, Orchestrator, Priority, Recipient,
    RecipientId, RecipientResolver, Result, Store, TenantId,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::yield_now;

const SECOND: Duration = Duration::from_secs(1);

async fn depth(store: &dyn Store) -> LaneDepth {
    let lanes = store.depth(store.clock().now()).await.expect("depth");
    let none = LaneDepth::new(Priority::High, ChannelId::EMAIL);
    lanes
        .into_iter()
        .find(|lane| lane.channel == ChannelId::EMAIL)
        .unwrap_or(none)
}

#[tokio::test]
async fn what_finds_no_free_place_goes_back_due_as_before() {
    let harness = Mutant::new(Memory::new(), Mutation::ClaimIgnoresLimits);
    let store = harness.open().await;
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(Arc::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .worker_options(WorkerOptions::default().with_concurrency(2))
        .build()
        .await
        .expect("builds");
    for no in 0..2 {
        let request = say("orders").with_priority(Priority::Low);
        notify.send(request, guest(no)).await.expect("accepted");
    }
    let worker = notify.worker();
    assert_eq!(
        worker.turn().await.expect("turn"),
        1,
        "one place, two leases"
    );
    assert_eq!(depth(&*store).await.ready, 1, "it waits for nothing");
    assert_eq!(worker.turn().await.expect("turn"), 1);
    assert_eq!(mail.sent().len(), 2);
}

#[tokio::test]
async fn a_claim_whose_deliveries_cannot_be_read_is_given_back() {
    let store = Arc::new(Faulty::new(Memory::new().open().await));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    notify
        .send(say("orders"), guest(1))
        .await
        .expect("accepted");
    let refuse = Mishap::Refuse(ErrorKind::Storage);
    store.nth_of(Operation::LoadDeliveries, 1, refuse);
    let worker = notify.worker();
    assert!(worker.turn().await.is_err(), "says so");
    assert_eq!(depth(&*store).await.in_flight, 0, "nobody holds it");
    assert_eq!(worker.turn().await.expect("turn"), 1);
}

#[tokio::test]
async fn what_a_claim_lent_is_not_lost_when_it_cannot_ask_for_more() {
    let store = Arc::new(Faulty::new(Memory::new().open().await));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .worker_options(WorkerOptions::default().with_concurrency(10))
        .build()
        .await
        .expect("builds");
    for no in 0..2 {
        let request = say("orders").with_priority(Priority::Low);
        notify.send(request, guest(no)).await.expect("accepted");
    }
    // The first round asks for one of the lightest lane, and finds that there may be more.
    store.nth_of(Operation::Claim, 2, Mishap::Refuse(ErrorKind::Storage));
    let worker = notify.worker();
    assert_eq!(worker.turn().await.expect("turn"), 1);
    assert_eq!(store.mishaps(), 1);
    assert_eq!(worker.turn().await.expect("turn"), 1);
}

#[tokio::test]
async fn one_settlement_that_is_refused_does_not_keep_its_neighbours() {
    let store = Arc::new(Faulty::new(Memory::new().open().await));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let mut ids = Vec::new();
    for no in 0..3 {
        let report = notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
        ids.push(report.deliveries[0].id);
    }
    // The store refuses the batch for good; then each by itself, and one of those again.
    let refuse = Mishap::Refuse(ErrorKind::Unexpected);
    store.nth_of(Operation::Settle, 1, refuse);
    store.nth_of(Operation::Settle, 2, refuse);
    assert_eq!(notify.worker().turn().await.expect("turn"), 2);
    let mut sent = 0;
    for id in ids {
        let delivery = notify.delivery(id).await.expect("known");
        sent += u32::from(delivery.state == DeliveryState::Sent);
    }
    assert_eq!((sent, mail.calls().len()), (2, 3));
}

/// Email whose `reach` has a bug, which comes out when the worker asks.
#[derive(Debug)]
struct Buggy(Arc<AtomicBool>);

impl Channel for Buggy {
    fn id(&self) -> ChannelId {
        ChannelId::SMS
    }

    fn accepts(&self, address: &Address) -> bool {
        SmsChannel::new().accepts(address)
    }

    fn reach(&self) -> notify_core::channel::Reach {
        assert!(!self.0.load(Ordering::Acquire), "a channel's bug");
        notify_core::channel::Reach::One
    }

    fn parts(&self) -> &[Part] {
        &[]
    }

    fn compose(&self, rendered: Rendered) -> Result<Message> {
        SmsChannel::new().compose(rendered)
    }
}

#[tokio::test]
async fn a_panic_of_a_channel_touches_only_its_own_delivery() {
    let harness = Memory::new();
    let store = harness.open().await;
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let texts = FakeProvider::new("texts", ChannelId::SMS);
    let bug = Arc::new(AtomicBool::new(false));
    let notify = Orchestrator::builder_on(Arc::clone(&store))
        .provider(mail.clone())
        .provider(texts.clone())
        .channel(Buggy(Arc::clone(&bug)))
        .category(Category::transactional("orders").by_default("sms", true))
        .build()
        .await
        .expect("builds");
    let route = notify_core::Route::to("sms").and("email");
    let both = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_phone("+15550100");
    let report = notify
        .send(say("orders").with_route(route), both)
        .await
        .expect("accepted");
    bug.store(true, Ordering::Release);
    let worker = notify.worker();
    assert_eq!(worker.turn().await.expect("turn"), 1);
    assert_eq!((mail.sent().len(), texts.sent().len()), (1, 0));
    bug.store(false, Ordering::Release);
    harness.clock().advance(61 * SECOND);
    assert_eq!(worker.turn().await.expect("turn"), 1, "taken over");
    let text = notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("known");
    assert_eq!(text.state, DeliveryState::Sent);
}

/// Numbers from the application, which has a bug.
#[derive(Debug)]
struct Dice(Arc<AtomicBool>);

impl Entropy for Dice {
    fn next_u64(&self) -> u64 {
        assert!(!self.0.load(Ordering::Acquire), "the application's bug");
        7
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_panic_took_along_is_not_held_for_ever() {
    let store = MemoryStore::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let bug = Arc::new(AtomicBool::new(false));
    let options = WorkerOptions::default().with_lease(Duration::from_millis(300));
    let notify = Orchestrator::builder(store.clone())
        .provider(mail.clone())
        .entropy(Dice(Arc::clone(&bug)))
        .category(Category::transactional("orders"))
        .worker_options(options)
        .build()
        .await
        .expect("builds");
    let report = notify.send(say("orders"), guest(1)).await;
    let id = report.expect("accepted").deliveries[0].id;
    bug.store(true, Ordering::Release);
    let running = start(&notify);
    let is = async |kind| {
        let events = notify.timeline(id).await.expect("known");
        events.iter().any(|event| event.kind == kind)
    };
    // The store goes by the host's clock, which tokio's pause does not stop.
    until(|| is(EventKind::Reclaimed)).await;
    bug.store(false, Ordering::Release);
    until(|| is(EventKind::Sent)).await;
    running.stop().await;
}

/// Knows everybody, once it answers.
#[derive(Debug)]
struct Hanging(AtomicU64);

#[async_trait]
impl RecipientResolver for Hanging {
    async fn resolve(&self, _: &TenantId, ids: &[RecipientId]) -> Result<Vec<Option<Recipient>>> {
        // The first is asked by `send`.
        if self.0.fetch_add(1, Ordering::AcqRel) == 1 {
            std::future::pending::<()>().await;
        }
        let known = |id: &RecipientId| Recipient::new(id.clone()).with_email("ada@example.com");
        Ok(ids.iter().map(|id| Some(known(id))).collect())
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_is_cut_off_and_asked_again_later() {
    let harness = Memory::new();
    let clock = harness.clock();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail.clone())
        .recipients(Hanging(AtomicU64::new(0)))
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    notify.send(say("orders"), "ada").await.expect("accepted");
    let worker = notify.worker();
    let (settled, ()) = tokio::join!(worker.turn(), async {
        clock.sleepers(1).await;
        clock.advance(11 * SECOND);
    });
    assert_eq!(settled.expect("turn"), 0);
    clock.advance(5 * SECOND);
    assert_eq!(worker.turn().await.expect("turn"), 1);
    assert_eq!(mail.sent().len(), 1);
}

#[tokio::test]
async fn what_nobody_here_can_serve_still_expires() {
    let harness = Memory::new();
    let store = harness.open().await;
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let old = Orchestrator::builder_on(Arc::clone(&store)).provider(mail.clone());
    let old = old.build().await.expect("builds");
    let new = Orchestrator::builder_on(store)
        .provider(FakeProvider::new("mail", ChannelId::EMAIL))
        .category(Category::transactional("brand_new"))
        .build()
        .await
        .expect("builds");
    let request = say("brand_new").with_expires_after(60 * SECOND);
    let id = new
        .send(request, guest(1))
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    let worker = old.worker();
    assert_eq!(worker.turn().await.expect("turn"), 0, "left to the new one");
    harness.clock().advance(60 * SECOND);
    assert_eq!(worker.turn().await.expect("turn"), 1);
    let delivery = old.delivery(id).await.expect("known");
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Expired, Some(Reason::Expired))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_begun_at_shutdown_goes_back_at_once() {
    let store = MemoryStore::new();
    let able = Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(1);
    let mail = FakeProvider::new("mail", ChannelId::EMAIL).with_capabilities(able);
    mail.hold();
    let notify = Orchestrator::builder(store.clone())
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    for no in 0..10 {
        notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
    }
    let running = start(&notify);
    mail.wait_for_calls(1).await;
    until(|| async { depth(&store).await.ready == 0 }).await;
    let stopping = running.stop_soon();
    // One is called and one is begun; the others go back while the call is still under way.
    until(|| async { depth(&store).await.ready == 8 }).await;
    assert_eq!((mail.under_way(), mail.calls().len()), (1, 1));
    mail.release();
    let drained = stopping.await.expect("no panic").expect("a clean end");
    assert_eq!((drained.settled, drained.abandoned), (2, 0));
    assert_eq!((mail.sent().len(), depth(&store).await.ready), (2, 8));
}

#[tokio::test(start_paused = true)]
async fn a_provider_sees_no_more_calls_at_a_time_than_it_named() {
    let able = Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(3);
    let crowd = Crowd::new(able);
    let store = MemoryStore::new();
    let notify = running(&store, &crowd).await;
    for no in 0..40 {
        notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
    }
    let running = start(&notify);
    until(|| async { crowd.messages() == 40 }).await;
    running.stop().await;
    assert_eq!(crowd.most(), 3, "as many as it named, and no more");
}

#[tokio::test(start_paused = true)]
async fn a_provider_sees_no_more_batches_at_a_time_than_it_named() {
    let able = Capabilities::for_channel(ChannelId::EMAIL)
        .with_concurrency(2)
        .with_batch(5);
    let crowd = Crowd::new(able);
    let store = MemoryStore::new();
    let notify = running(&store, &crowd).await;
    for no in 0..40 {
        notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
    }
    let running = start(&notify);
    until(|| async { crowd.messages() == 40 }).await;
    running.stop().await;
    assert!(crowd.most() <= 2, "{} at a time", crowd.most());
    assert!(crowd.largest() > 1, "batches were made");
}

#[tokio::test(start_paused = true)]
async fn a_person_with_many_devices_does_not_crowd_the_provider() {
    for (batch, largest) in [(1, 1), (2, 2)] {
        let able = Capabilities::for_channel(ChannelId::PUSH)
            .with_concurrency(2)
            .with_batch(batch);
        let crowd = Crowd::new(able);
        let store = MemoryStore::new();
        let notify = running(&store, &crowd).await;
        let mut person = Recipient::new("ada");
        for no in 0..7 {
            person = person.with_address(Address::device(format!("device-{no}")));
        }
        let request = say("orders").with_route(notify_core::Route::to("push"));
        let report = notify.send(request, person).await.expect("accepted");
        let running = start(&notify);
        until(|| async { crowd.messages() == 7 }).await;
        running.stop().await;
        let delivery = notify
            .delivery(report.deliveries[0].id)
            .await
            .expect("known");
        assert_eq!(delivery.state, DeliveryState::Sent);
        assert!(crowd.most() <= 2 && crowd.largest() <= largest);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_call_begins_with_the_call() {
    let able = Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(1);
    let mail = FakeProvider::new("mail", ChannelId::EMAIL)
        .with_capabilities(able)
        .with_latency(9 * SECOND);
    let store = MemoryStore::new();
    let notify = Orchestrator::builder(store.clone())
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    for no in 0..2 {
        notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
    }
    // The second is begun with the first, waits 9 s for its turn, and then takes 9 s of 10.
    assert_eq!(notify.worker().turn().await.expect("turn"), 2);
    let taken: Vec<_> = mail.calls().iter().map(|call| call.taken).collect();
    assert_eq!(taken, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_keeps_only_its_own_messages_waiting() {
    let one = |name, channel: ChannelId| {
        let able = Capabilities::for_channel(channel.clone()).with_concurrency(1);
        FakeProvider::new(name, channel).with_capabilities(able)
    };
    let mail = one("mail", ChannelId::EMAIL).with_latency(Duration::from_millis(10));
    let texts = one("texts", ChannelId::SMS).otherwise(Act::Stuck { written: true });
    let store = MemoryStore::new();
    let notify = Orchestrator::builder(store.clone())
        .provider(mail.clone())
        .provider(texts.clone())
        .category(Category::transactional("orders").by_default("sms", true))
        .build()
        .await
        .expect("builds");
    let route = notify_core::Route::to("email").and("sms");
    for no in 0..10 {
        let person = guest(no).with_phone("+15550100");
        let request = say("orders").with_route(route.clone());
        notify.send(request, person).await.expect("accepted");
    }
    let worker = notify.worker();
    let turn = tokio::spawn(async move { worker.turn().await });
    SystemClock::new().sleep(SECOND).await;
    assert_eq!(mail.sent().len(), 10, "mail does not wait for texts");
    turn.abort();
}

#[tokio::test(start_paused = true)]
async fn two_workers_of_one_process_share_the_work_and_rest_when_there_is_none() {
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let (one, other) = (start(&notify), start(&notify));
    // Time moves on by itself only while nobody has anything to do.
    SystemClock::new().sleep(SECOND).await;
    for no in 0..20 {
        notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
    }
    until(|| async { mail.sent().len() == 20 }).await;
    other.stop().await;
    notify
        .send(say("orders"), guest(20))
        .await
        .expect("accepted");
    until(|| async { mail.sent().len() == 21 }).await;
    one.stop().await;
}

#[tokio::test]
async fn callers_that_never_wait_do_not_starve_the_worker() {
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder(MemoryStore::new())
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let running = start(&notify);
    yield_now().await;
    for no in 0..2_000 {
        notify
            .send(say("orders"), guest(no))
            .await
            .expect("accepted");
    }
    let sent = mail.sent().len();
    assert!(
        sent > 500,
        "only {sent} were sent while 2,000 were accepted"
    );
    until(|| async { mail.sent().len() == 2_000 }).await;
    running.stop().await;
}

#[tokio::test]
async fn the_same_content_within_its_window_is_a_recorded_duplicate() {
    let harness = Memory::new();
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let request = || say("orders").with_dedup_window(60 * SECOND);
    notify.send(request(), guest(1)).await.expect("accepted");
    let again = notify.send(request(), guest(1)).await.expect("accepted");
    assert_eq!(again.deliveries[0].reason, Some(Reason::Duplicate));
    let batch = notify
        .send_batch([(request(), guest(1))])
        .await
        .expect("answered");
    let batch = batch[0].as_ref().expect("accepted");
    assert_eq!(batch.deliveries[0].reason, Some(Reason::Duplicate));
    harness.clock().advance(60 * SECOND);
    let later = notify.send(request(), guest(1)).await.expect("accepted");
    assert_eq!(later.deliveries[0].reason, None);
    notify.worker().turn().await.expect("turn");
    assert_eq!(mail.sent().len(), 2);
}

#[tokio::test]
async fn what_waits_for_its_turn_and_expires_meanwhile_is_not_called() {
    let harness = Memory::new();
    let able = Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(1);
    let mail = FakeProvider::new("mail", ChannelId::EMAIL)
        .with_capabilities(able)
        .with_clock(harness.clock())
        .with_latency(9 * SECOND);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(mail.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    notify
        .send(say("orders"), guest(0))
        .await
        .expect("accepted");
    let request = say("orders").with_expires_after(5 * SECOND);
    let id = notify
        .send(request, guest(1))
        .await
        .expect("accepted")
        .deliveries[0]
        .id;
    let worker = notify.worker();
    let (settled, ()) = tokio::join!(worker.turn(), async {
        mail.wait_for_calls(1).await;
        yield_now().await;
        harness.clock().advance(9 * SECOND);
    });
    assert_eq!(settled.expect("turn"), 2);
    assert_eq!(mail.calls().len(), 1);
    let delivery = notify.delivery(id).await.expect("known");
    assert_eq!(delivery.state, DeliveryState::Expired);
}

#[tokio::test]
async fn one_device_that_was_reached_counts_when_the_others_run_out_of_time() {
    let harness = Memory::new();
    let push = FakeProvider::new("push", ChannelId::PUSH);
    push.script_for("lost-device", [Answer::Outage]);
    let notify = Orchestrator::builder_on(harness.open().await)
        .provider(push.clone())
        .category(Category::transactional("orders"))
        .build()
        .await
        .expect("builds");
    let person = Recipient::new("ada")
        .with_address(Address::device("device"))
        .with_address(Address::device("lost-device"));
    let request = say("orders")
        .with_route(notify_core::Route::to("push"))
        .with_expires_after(10 * SECOND);
    let report = notify.send(request, person).await.expect("accepted");
    let worker = notify.worker();
    assert_eq!(worker.turn().await.expect("turn"), 1);
    harness.clock().advance(10 * SECOND);
    assert_eq!(worker.turn().await.expect("turn"), 1);
    assert_eq!((push.calls().len(), push.sent().len()), (2, 1));
    let delivery = notify
        .delivery(report.deliveries[0].id)
        .await
        .expect("known");
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Sent, Some(Reason::Expired))
    );
}

#[tokio::test]
async fn every_fault_of_the_store_at_shutdown_still_ends_the_worker() {
    let store = Arc::new(Faulty::new(Arc::new(MemoryStore::new())));
    let mail = FakeProvider::new("mail", ChannelId::EMAIL);
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone().otherwise(Answer::Accept))
        .category(Category::transactional("orders"))
        .drain_within(Duration::from_millis(50))
        .build()
        .await
        .expect("builds");
    let running = start(&notify);
    yield_now().await;
    store.always(Operation::Settle, Mishap::Hang { done: false });
    notify
        .send(say("orders"), guest(1))
        .await
        .expect("accepted");
    until(|| async { store.calls_of(Operation::Settle) > 0 }).await;
    let drained = running.stop().await;
    assert_eq!(drained.settled, 0);
    let seen: BTreeSet<_> = mail.calls().iter().map(|call| call.taken).collect();
    assert_eq!(seen, BTreeSet::from([true]));
}
