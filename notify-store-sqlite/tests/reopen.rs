//! A store that was closed can be opened again at once, and holds what it held.

mod support;

use notify_core::provider::Capabilities;
use notify_core::store::Store as _;
use notify_core::testkit::FakeProvider;
use notify_core::{
    Category, ChannelId, Content, DeliveryState, ErrorKind, NotificationRequest, Orchestrator,
    Recipient, RecipientResolver as _, Route, TenantId, audit::Actor,
    recipient::RecipientStore as _,
};
use notify_store_sqlite::SqliteStore;
use support::Sqlite;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_store_opens_again_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify.db");
    let tenant = TenantId::default();
    for round in 0..50 {
        let store = SqliteStore::open(&path).await.expect("opens again");
        let found = store
            .resolve(&tenant, &["ada".into()])
            .await
            .expect("answers");
        assert_eq!(found[0].is_some(), round > 0);
        store
            .put(&tenant, &[Recipient::new("ada")], &Actor::Application)
            .await
            .expect("stored");
        store.close().await;
    }
}

#[tokio::test]
async fn a_second_open_of_the_same_file_is_refused_and_names_the_way_to_several() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify.db");
    let _first = SqliteStore::open(&path).await.expect("opens");
    let error = SqliteStore::open(&path).await.expect_err("it is open");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("PostgreSQL"), "{error}");
}

/// Enough that a budget for the retries of a failing provider would not let all of them through.
const INTERRUPTED: usize = 100;

async fn orchestrator(store: &SqliteStore, mail: &FakeProvider) -> Orchestrator {
    Orchestrator::builder(store.clone())
        .category(Category::transactional("orders"))
        .provider(mail.clone())
        .build()
        .await
        .expect("builds")
}

#[tokio::test]
async fn however_much_was_being_sent_in_a_crash_it_is_sent_again_at_once() {
    let harness = Sqlite::new();
    let able = Capabilities::for_channel(ChannelId::EMAIL).with_concurrency(2 * INTERRUPTED);
    let mail = || FakeProvider::new("mail", ChannelId::EMAIL).with_capabilities(able.clone());
    let (before, after) = (mail(), mail());
    let notify = orchestrator(&harness.store().await, &before).await;
    let shipped = NotificationRequest::new("shipped", "orders")
        .with_content(Content::new("Shipped", "On its way."))
        .with_route(Route::to(ChannelId::EMAIL));
    for no in 0..INTERRUPTED {
        let person = Recipient::new(format!("person-{no}")).with_email("ada@example.com");
        notify
            .send(shipped.clone(), person)
            .await
            .expect("accepted");
    }
    before.hold();
    let worker = notify.worker();
    let hanging = tokio::spawn(async move { worker.turn().await });
    before.wait_for_calls(INTERRUPTED).await;
    harness.copy("a.db", "b.db");
    hanging.abort();

    let store = harness
        .config("b.db")
        .open()
        .await
        .expect("the store opens");
    let notify = orchestrator(&store, &after).await;
    // The clock stands still: nothing may have to wait.
    notify.worker().turn().await.expect("a turn");
    assert_eq!(after.calls().len(), INTERRUPTED);
    let history = notify.history("person-0", None, 10).await.expect("history");
    assert_eq!(history[0].state, DeliveryState::Sent);
}
