//! What vendors report, from the request to what the next message does: signed, out of order, twice, too early, too late.

use notify_core::clock::Clock as _;
use notify_core::delivery::{DeliveryState, EventKind, Reason};
use notify_core::notification::OnUnknown;
use notify_core::observer::{Event, Observer};
use notify_core::orchestrator::{DeliveryReport, Ingested};
use notify_core::preference::SoftBounces;
use notify_core::provider::{Bounce, Fault, ProviderEvent, ProviderEventKind as Kind};
use notify_core::provider::{WebhookParser, WebhookRequest};
use notify_core::testkit::{
    Act, FakeProvider, FakeWebhook, Faulty, ManualClock, Memory, Mishap, Operation, StoreHarness,
};
use notify_core::{
    Category, ChannelId, Content, Delivery, DeliveryId, ErrorKind, NotificationRequest,
    Orchestrator, ProviderName, Recipient, Route, When,
};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MAIL: ProviderName = ProviderName::new("mail");
const TEXT: ProviderName = ProviderName::new("text");

/// Remembers what it is told.
#[derive(Clone, Debug, Default)]
struct Witness(Arc<Mutex<Vec<EventKind>>>);

impl Observer for Witness {
    fn observe(&self, event: &Event) {
        if let Event::Delivery { event, .. } = event {
            self.0.lock().expect("lock").push(event.kind);
        }
    }
}

struct World {
    clock: Arc<ManualClock>,
    store: Arc<Faulty>,
    mail: FakeProvider,
    text: FakeProvider,
    witness: Witness,
    notify: Orchestrator,
}

fn vendor(name: ProviderName) -> FakeWebhook {
    FakeWebhook::new(name, "hunter2")
}

async fn world() -> World {
    let harness = Memory::new();
    let store = Arc::new(Faulty::new(harness.open().await));
    let (mail, _) = FakeProvider::new(MAIL, ChannelId::EMAIL).reporting("hunter2");
    let (text, _) = FakeProvider::new(TEXT, ChannelId::SMS).reporting("hunter2");
    let everywhere = |category: Category| category.by_default(ChannelId::SMS, true);
    let witness = Witness::default();
    let notify = Orchestrator::builder_on(Arc::<Faulty>::clone(&store))
        .provider(mail.clone())
        .provider(text.clone())
        .webhook(MAIL, vendor(MAIL))
        .webhook(TEXT, vendor(TEXT))
        .soft_bounces(SoftBounces::new(2, SECOND * 3_600))
        .category(everywhere(Category::transactional("orders")))
        .category(everywhere(Category::transactional("tips")).on_unknown(OnUnknown::Park))
        .category(everywhere(Category::critical("security")))
        .observer(witness.clone())
        .build()
        .await
        .expect("builds");
    World {
        clock: harness.clock(),
        store,
        mail,
        text,
        witness,
        notify,
    }
}

fn say(category: &'static str, route: Route) -> NotificationRequest {
    NotificationRequest::new("said", category)
        .with_route(route)
        .with_content(Content::new("Hi", "There"))
}

fn by_mail(category: &'static str) -> NotificationRequest {
    say(category, Route::to(ChannelId::EMAIL))
}

fn by_text(category: &'static str) -> NotificationRequest {
    say(category, Route::to(ChannelId::SMS))
}

fn ada() -> Recipient {
    Recipient::new("ada")
        .with_email("ada@example.com")
        .with_phone("+15550100")
}

impl World {
    async fn send(&self, request: NotificationRequest) -> DeliveryReport {
        let report = self.notify.send(request, ada()).await.expect("accepted");
        self.turn().await;
        report.deliveries[0].clone()
    }

    async fn turn(&self) {
        self.notify.worker().turn().await.expect("turn");
    }

    async fn delivery(&self, id: DeliveryId) -> Delivery {
        self.notify.delivery(id).await.expect("it is there")
    }

    async fn state(&self, id: DeliveryId) -> DeliveryState {
        self.delivery(id).await.state
    }

    async fn kinds(&self, id: DeliveryId) -> Vec<EventKind> {
        let timeline = self.notify.timeline(id).await.expect("timeline");
        timeline.iter().map(|event| event.kind).collect()
    }

    /// Something that happened now to this delivery's message.
    async fn event(&self, id: DeliveryId, kind: Kind) -> ProviderEvent {
        let delivery = self.delivery(id).await;
        let provider = delivery.provider.expect("a provider was called");
        let event = vendor(provider).event(kind, self.clock.now());
        match delivery.message_id {
            Some(message) => event.with_message_id(message),
            None => event.with_delivery(id),
        }
    }

    async fn try_tell(&self, events: &[ProviderEvent]) -> notify_core::Result<Ingested> {
        let (provider, now) = (events[0].provider.clone(), self.clock.now());
        let signed = vendor(provider.clone()).sign(events, now);
        let headers = signed.headers.iter();
        let request = WebhookRequest::new(&signed.method, &signed.url, &signed.body, now)
            .with_headers(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
        self.notify.ingest(&provider, &request).await
    }

    /// The vendor reports this.
    async fn tell(&self, events: &[ProviderEvent]) -> Ingested {
        let ingested = self.try_tell(events).await.expect("ingested");
        assert_eq!(ingested.status, 200);
        ingested
    }
}

#[tokio::test]
async fn an_address_that_bounced_hard_gets_no_more_mail() {
    let world = world().await;
    let first = world.send(by_mail("orders")).await;
    let bounced = world.event(first.id, Kind::bounced(Bounce::Hard)).await;
    let ingested = world
        .tell(&[bounced.with_fault(Fault::recipient("5.1.1"))])
        .await;
    assert_eq!(
        (ingested.applied, ingested.known, ingested.waiting),
        (1, 0, 0)
    );
    assert_eq!(world.state(first.id).await, DeliveryState::Bounced);
    let next = world.send(by_mail("orders")).await;
    let suppressed = (DeliveryState::Suppressed, Some(Reason::AddressSuppressed));
    assert_eq!((next.state, next.reason), suppressed);
    assert_eq!(world.mail.calls().len(), 1);
    let timeline = world.notify.timeline(first.id).await.expect("timeline");
    let last = timeline.last().expect("an entry");
    assert_eq!(last.kind, EventKind::Bounced);
    assert_eq!(last.fault.as_ref().map(Fault::code), Some("5.1.1"));
    while !world
        .witness
        .0
        .lock()
        .expect("lock")
        .contains(&EventKind::Bounced)
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_known_to_have_arrived() {
    let world = world().await;
    world.mail.script([Act::Fault(Fault::unknown("timeout"))]);
    let parked = world.send(by_mail("tips")).await;
    assert_eq!(world.state(parked.id).await, DeliveryState::Parked);
    let event = vendor(MAIL).event(Kind::Delivered, world.clock.now());
    world
        .tell(&[event
            .with_delivery(parked.id)
            .with_message_id("nobody-told-us")])
        .await;
    assert_eq!(world.state(parked.id).await, DeliveryState::Delivered);
    let dead = world
        .notify
        .dead_letters(None, 10)
        .await
        .expect("dead letters");
    assert!(dead.is_empty(), "nobody needs to look at it");
}

#[tokio::test]
async fn proof_of_arrival_spares_a_second_message() {
    let world = world().await;
    world.mail.script([Act::Fault(Fault::unknown("timeout"))]);
    let queued = world.send(by_mail("orders")).await;
    assert_eq!(
        world.state(queued.id).await,
        DeliveryState::Queued,
        "it would be sent again"
    );
    let event = vendor(MAIL).event(Kind::Delivered, world.clock.now());
    world
        .tell(&[event
            .with_delivery(queued.id)
            .with_message_id("nobody-told-us")])
        .await;
    world.clock.advance(SECOND * 86_400);
    world.turn().await;
    assert_eq!(world.state(queued.id).await, DeliveryState::Delivered);
    assert_eq!(world.mail.calls().len(), 1);
}

#[tokio::test]
async fn a_bounce_of_the_first_call_does_not_end_the_second() {
    let world = world().await;
    world.mail.script([Act::Fault(Fault::unknown("timeout"))]);
    let parked = world.send(by_mail("tips")).await;
    let operator = world.notify.as_operator("olga");
    assert_eq!(
        operator.requeue(&[parked.id]).await.expect("requeued"),
        [true]
    );
    let event = vendor(MAIL).event(Kind::bounced(Bounce::Blocked), world.clock.now());
    let bounced = event
        .with_delivery(parked.id)
        .with_message_id("of-the-first-call");
    assert_eq!(world.tell(std::slice::from_ref(&bounced)).await.waiting, 1);
    assert_eq!(world.state(parked.id).await, DeliveryState::Queued);
    world.turn().await;
    assert_eq!(world.state(parked.id).await, DeliveryState::Sent);
    world.clock.advance(SECOND);
    assert_eq!(world.notify.match_reports().await.expect("matched"), 1);
    assert_eq!(
        world.state(parked.id).await,
        DeliveryState::Sent,
        "another message is on its way"
    );
    assert_eq!(world.tell(&[bounced]).await.known, 1);
    let second = world.event(parked.id, Kind::bounced(Bounce::Blocked)).await;
    world.tell(&[second]).await;
    assert_eq!(
        world.state(parked.id).await,
        DeliveryState::Bounced,
        "now both came back"
    );
}

#[tokio::test]
async fn a_report_that_overtakes_its_answer_waits_for_it() {
    let world = world().await;
    world.mail.hold();
    let report = world
        .notify
        .send(by_mail("orders"), ada())
        .await
        .expect("accepted");
    let (id, worker) = (report.deliveries[0].id, world.notify.worker());
    let turn = tokio::spawn(async move { worker.turn().await });
    while world.mail.under_way() == 0 {
        tokio::task::yield_now().await;
    }
    let early = vendor(MAIL).event(Kind::Delivered, world.clock.now());
    let by_id = early.clone().with_message_id("mail-1");
    let ingested = world.tell(&[by_id.clone(), early.with_delivery(id)]).await;
    assert_eq!((ingested.applied, ingested.waiting), (0, 2));
    world.mail.release();
    turn.await.expect("no panic").expect("turn");
    assert_eq!(world.state(id).await, DeliveryState::Sent);
    assert_eq!(
        world.notify.match_reports().await.expect("matched"),
        0,
        "not yet"
    );
    world.clock.advance(SECOND);
    assert_eq!(world.notify.match_reports().await.expect("matched"), 2);
    assert_eq!(world.state(id).await, DeliveryState::Delivered);
    assert_eq!(world.tell(&[by_id]).await.known, 1);
    world.clock.advance(SECOND * 10);
    assert_eq!(
        world.notify.match_reports().await.expect("matched"),
        0,
        "they are kept no longer"
    );
}

/// Every order of these.
fn orders<T: Clone>(all: &[T]) -> Vec<Vec<T>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |no: usize| {
        let mut rest = all.to_vec();
        let first = rest.remove(no);
        let orders = orders(&rest).into_iter();
        orders.map(move |mut order| {
            order.insert(0, first.clone());
            order
        })
    };
    (0..all.len()).flat_map(with_first).collect()
}

#[tokio::test]
async fn any_order_and_repetition_of_reports_ends_the_same() {
    let kinds = [
        (Kind::Accepted, 1),
        (Kind::Delivered, 2),
        (Kind::Opened, 3),
        (Kind::Opened, 4),
        (Kind::bounced(Bounce::Soft), 5),
    ];
    let mut ends = Vec::new();
    for order in orders(&kinds) {
        let world = world().await;
        let id = world.send(by_mail("orders")).await.id;
        let sent_at = world.clock.now();
        world.clock.advance(SECOND * 10);
        let mut events = Vec::new();
        for (kind, at) in &order {
            let mut event = world.event(id, kind.clone()).await;
            event.at = sent_at + SECOND * *at;
            events.push(event);
        }
        world.tell(&events[..2]).await;
        world.tell(&events).await;
        for event in &events {
            assert_eq!(world.tell(std::slice::from_ref(event)).await.known, 1);
        }
        let delivery = world.delivery(id).await;
        let seen = delivery.seen_at.map(|at| at.since(sent_at));
        ends.push((delivery.state, seen, world.kinds(id).await));
    }
    assert_eq!(ends.len(), 120);
    ends.dedup();
    let all = [
        EventKind::Accepted,
        EventKind::Sent,
        EventKind::Processing,
        EventKind::Delivered,
        EventKind::Opened,
        EventKind::Opened,
        EventKind::Bounced,
    ];
    assert_eq!(
        ends,
        [(DeliveryState::Bounced, Some(SECOND * 3), all.to_vec())]
    );
}

#[tokio::test]
async fn a_mail_that_bounced_lets_the_text_message_go_once() {
    let world = world().await;
    let route = Route::to(ChannelId::EMAIL).fallback(When::Failed, ChannelId::SMS);
    let report = world
        .notify
        .send(say("orders", route), ada())
        .await
        .expect("accepted");
    world.turn().await;
    let (mail, text) = (report.deliveries[0].id, report.deliveries[1].id);
    assert_eq!(world.state(text).await, DeliveryState::Held);
    let bounced = world.event(mail, Kind::bounced(Bounce::Blocked)).await;
    world.tell(&[bounced.clone(), bounced.clone()]).await;
    world.turn().await;
    assert_eq!(world.state(text).await, DeliveryState::Sent);
    let mut again = bounced;
    again.at = again.at + SECOND;
    world.tell(&[again]).await;
    world.turn().await;
    assert_eq!(world.text.calls().len(), 1);
}

#[tokio::test]
async fn a_mail_that_was_opened_makes_the_reminder_needless() {
    let world = world().await;
    let wait = When::NotSeenWithin(SECOND * 60);
    let route = Route::to(ChannelId::EMAIL).fallback(wait, ChannelId::SMS);
    let report = world
        .notify
        .send(say("orders", route), ada())
        .await
        .expect("accepted");
    world.turn().await;
    let opened = world.event(report.deliveries[0].id, Kind::Opened).await;
    world.tell(&[opened]).await;
    let reminder = world.delivery(report.deliveries[1].id).await;
    let cancelled = (DeliveryState::Cancelled, Some(Reason::NotNeeded));
    assert_eq!((reminder.state, reminder.reason), cancelled);
}

#[tokio::test]
async fn stop_ends_text_messages_and_start_begins_them_again() {
    let world = world().await;
    world.send(by_text("orders")).await;
    let answer = |kind, id: &str| {
        let event = vendor(TEXT).event(kind, world.clock.now());
        event
            .with_address(notify_core::Address::phone("+15550100"))
            .with_message_id(id)
            .with_event_id(format!("{id}:received"))
    };
    world.tell(&[answer(Kind::Unsubscribed, "in-1")]).await;
    for category in ["orders", "tips"] {
        let next = world.send(by_text(category)).await;
        let off = (DeliveryState::Suppressed, Some(Reason::OptedOut));
        assert_eq!((next.state, next.reason), off, "{category}");
    }
    assert!(
        world.send(by_mail("orders")).await.state.is_open(),
        "mail is another thing"
    );
    assert!(
        world.send(by_text("security")).await.state.is_open(),
        "nobody can switch this off"
    );
    world.clock.advance(SECOND);
    world.tell(&[answer(Kind::Resubscribed, "in-2")]).await;
    assert!(world.send(by_text("orders")).await.state.is_open());
    assert_eq!(
        world
            .tell(&[answer(Kind::Unsubscribed, "in-1")])
            .await
            .known,
        1
    );
    assert!(
        world.send(by_text("orders")).await.state.is_open(),
        "told again, not said again"
    );
}

#[tokio::test]
async fn who_unsubscribes_from_a_mail_leaves_its_category() {
    let world = world().await;
    let id = world.send(by_mail("orders")).await.id;
    let left = world.event(id, Kind::Unsubscribed).await;
    world.tell(&[left]).await;
    assert_eq!(
        world.send(by_mail("orders")).await.reason,
        Some(Reason::OptedOut)
    );
    assert!(world.send(by_mail("tips")).await.state.is_open());
    assert_eq!(
        world.state(id).await,
        DeliveryState::Sent,
        "engagement is no state"
    );
}

#[tokio::test]
async fn soft_bounces_in_a_row_give_an_address_up_and_an_arrival_forgives_them() {
    let world = world().await;
    let report = async |kind| {
        let id = world.send(by_mail("orders")).await.id;
        world.clock.advance(SECOND);
        let event = world.event(id, kind).await;
        world.tell(&[event]).await;
    };
    let soft = Kind::bounced(Bounce::Soft);
    report(soft.clone()).await;
    report(Kind::Delivered).await;
    report(soft.clone()).await;
    report(soft).await;
    let next = world.send(by_mail("orders")).await;
    assert_eq!(next.reason, Some(Reason::AddressSuppressed));
    assert_eq!(world.mail.calls().len(), 4);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_repeated_by_the_vendor() {
    let world = world().await;
    let id = world.send(by_mail("orders")).await.id;
    let event = world.event(id, Kind::Delivered).await;
    for mishap in [Mishap::Refuse(ErrorKind::Storage), Mishap::Lose] {
        world.store.nth_of(Operation::ApplyFeedback, 1, mishap);
        let failed = world.try_tell(std::slice::from_ref(&event)).await;
        assert!(failed.is_err(), "the vendor gets no 2xx");
    }
    let again = world.tell(&[event]).await;
    assert_eq!((again.applied, again.known), (0, 1));
    let delivered = world
        .kinds(id)
        .await
        .into_iter()
        .filter(|kind| *kind == EventKind::Delivered);
    assert_eq!(delivered.count(), 1);
}

#[tokio::test]
async fn what_is_not_the_vendors_changes_nothing() {
    let world = world().await;
    let id = world.send(by_mail("orders")).await.id;
    let now = world.clock.now();
    let event = world.event(id, Kind::Delivered).await;
    let forged = FakeWebhook::new(MAIL, "guessed").sign(std::slice::from_ref(&event), now);
    let old = vendor(MAIL).sign(&[event], now - SECOND * 301);
    for signed in [forged, old] {
        let headers = signed.headers.iter();
        let request = WebhookRequest::new(&signed.method, &signed.url, &signed.body, now)
            .with_headers(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
        let answer = world
            .notify
            .ingest(&MAIL, &request)
            .await
            .expect("an answer");
        assert_eq!((answer.status, answer.is_accepted()), (401, false));
        let nobody = ProviderName::new("nobody");
        let error = world
            .notify
            .ingest(&nobody, &request)
            .await
            .expect_err("unknown");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    let foreign = vendor(TEXT).event(Kind::Delivered, now).with_delivery(id);
    assert_eq!(
        world.tell(&[foreign]).await.waiting,
        1,
        "who was not given it cannot speak of it"
    );
    assert_eq!(world.state(id).await, DeliveryState::Sent);
    let ping = vendor(MAIL).sign(&[], now);
    let parsed = ping.parsed_by(&vendor(MAIL) as &dyn WebhookParser, now);
    assert!(parsed.expect("signed").events.is_empty());
}

#[tokio::test]
async fn two_webhooks_of_one_name_are_refused() {
    let store = Memory::new().open().await;
    let twice = Orchestrator::builder_on(store)
        .webhook(MAIL, vendor(MAIL))
        .webhook(MAIL, vendor(MAIL));
    let error = twice.build().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Config);
}
