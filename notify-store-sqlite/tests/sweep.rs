//! What is kept, and for how long, where there is more than one call looks at.

mod support;

use notify_core::Reason;
use notify_core::audit::Actor;
use notify_core::delivery::DeliveryStore;
use notify_core::id::IdGenerator;
use notify_core::queue::{Queue, Retention};
use notify_core::{DeliveryId, Timestamp};
use notify_store_sqlite::SqliteStore;
use std::time::Duration;
use support::{START, Sqlite, item, tenant};

const DAY: Duration = Duration::from_secs(86_400);

async fn end(store: &SqliteStore, ids: &[DeliveryId], now: Timestamp) {
    let (reason, actor) = (Reason::Cancelled, Actor::Application);
    let ended = store.cancel(&tenant(), ids, reason, &actor, now).await;
    assert_eq!(ended.expect("cancelled").len(), ids.len());
}

#[tokio::test]
async fn what_waited_long_and_ended_late_does_not_keep_what_ended_before() {
    let (harness, ids) = (Sqlite::new(), IdGenerator::new(1));
    let store = harness.store().await;
    let slow: Vec<_> = (0..1_000).map(|_| item(&ids, "ada", START)).collect();
    let waiting: Vec<_> = slow.iter().map(|item| item.deliveries[0].id).collect();
    store.accept(slow).await.expect("accepted");
    let quick = item(&ids, "bob", START);
    let ended = quick.deliveries[0].id;
    store.accept(vec![quick]).await.expect("accepted");
    end(&store, &[ended], START).await;
    let now = harness.pass(100 * DAY);
    end(&store, &waiting, now).await;

    while store
        .sweep(now, &Retention::default())
        .await
        .expect("swept")
        .more
    {}
    let found = DeliveryStore::load(&store, &[ended, waiting[0]]).await;
    let found: Vec<_> = found.expect("loaded").iter().map(Option::is_some).collect();
    assert_eq!(found, [false, true]);
}
