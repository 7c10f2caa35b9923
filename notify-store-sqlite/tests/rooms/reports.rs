//! What vendors report, down to the file: found by an index, seen by the next message, and nothing personal in what waits.

use notify_core::provider::{Bounce, ProviderEvent, ProviderEventKind, WebhookRequest};
use notify_core::store::Store;
use notify_core::testkit::{FakeProvider, FakeWebhook};
use notify_core::{
    Address, Category, ChannelId, Content, DeliveryState, NotificationRequest, Orchestrator,
    ProviderName, Reason, Recipient, Route,
};

use crate::world::World;

const MAIL: ProviderName = ProviderName::new("mail");

async fn system(world: &World, mail: FakeProvider, vendor: &FakeWebhook) -> Orchestrator {
    let builder = Orchestrator::builder(world.store.clone());
    let builder = builder.provider(mail).webhook(MAIL, vendor.clone());
    let orders = Category::transactional("orders");
    builder.category(orders).build().await.expect("builds")
}

async fn tell(
    notify: &Orchestrator,
    vendor: &FakeWebhook,
    event: ProviderEvent,
) -> (u64, u64, u64) {
    let now = notify.now();
    let signed = vendor.sign(&[event], now);
    let headers = signed.headers.iter();
    let request = WebhookRequest::new(&signed.method, &signed.url, &signed.body, now)
        .with_headers(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let ingested = notify.ingest(&MAIL, &request).await.expect("ingested");
    assert_eq!(ingested.status, 200);
    (ingested.applied, ingested.known, ingested.waiting)
}

async fn send(notify: &Orchestrator) -> (DeliveryState, Option<Reason>) {
    let request = NotificationRequest::new("said", "orders")
        .with_route(Route::to(ChannelId::EMAIL))
        .with_content(Content::new("Hi", "There"));
    let ada = Recipient::new("ada").with_email("ada@example.com");
    let report = notify.send(request, ada).await.expect("accepted");
    notify.worker().turn().await.expect("turn");
    let (state, reason) = (report.deliveries[0].state, report.deliveries[0].reason);
    (state, reason)
}

#[tokio::test]
async fn a_bounce_is_found_by_its_message_and_seen_by_the_next_send() {
    let world = World::new().await;
    let (mail, vendor) = FakeProvider::new(MAIL, ChannelId::EMAIL).reporting("hunter2");
    let notify = system(&world, mail.clone(), &vendor).await;
    send(&notify).await;
    send(&notify).await;
    assert_eq!(
        world.number("SELECT count(*) FROM notify_messages").await,
        2
    );
    let kind = ProviderEventKind::bounced(Bounce::Hard);
    let bounced = vendor.event(kind, notify.now()).with_message_id("mail-2");
    assert_eq!(tell(&notify, &vendor, bounced.clone()).await, (1, 0, 0));
    assert_eq!(tell(&notify, &vendor, bounced).await, (0, 1, 0));
    let suppressed = (DeliveryState::Suppressed, Some(Reason::AddressSuppressed));
    assert_eq!(send(&notify).await, suppressed);
    let states =
        "SELECT group_concat(state) FROM (SELECT state FROM notify_deliveries ORDER BY no)";
    let states: String = sqlx::Row::get(&world.rows(states).await[0], 0);
    assert_eq!(states, "4,6,12", "sent, bounced, suppressed");
    assert_eq!(mail.calls().len(), 2);
}

#[tokio::test]
async fn a_provider_that_reports_nothing_leaves_no_message_behind() {
    let world = World::new().await;
    let vendor = FakeWebhook::new(MAIL, "hunter2");
    let notify = system(&world, FakeProvider::new(MAIL, ChannelId::EMAIL), &vendor).await;
    send(&notify).await;
    assert_eq!(
        world.number("SELECT count(*) FROM notify_messages").await,
        0
    );
}

#[tokio::test]
async fn a_report_that_waits_says_nothing_personal_in_the_file() {
    let world = World::new().await;
    let (mail, vendor) = FakeProvider::new(MAIL, ChannelId::EMAIL).reporting("hunter2");
    let notify = system(&world, mail, &vendor).await;
    let link = Some("https://example.com/canary-7d1f".to_owned());
    let clicked = vendor
        .event(ProviderEventKind::clicked(link), notify.now())
        .with_message_id("unknown")
        .with_address(Address::email("canary-7d1f@example.com"))
        .with_raw(serde_json::json!("canary-7d1f"));
    assert_eq!(tell(&notify, &vendor, clicked).await, (0, 0, 1));
    drop(notify);
    let world = world.reopen().await;
    assert_eq!(world.number("SELECT count(*) FROM notify_reports").await, 1);
    world.store.close().await;
    for file in std::fs::read_dir(world.folder.path()).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("reads");
        assert!(!bytes.windows(11).any(|part| part == b"canary-7d1f"));
    }
}
