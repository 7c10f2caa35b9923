//! The store in memory keeps the contracts of the queue and of the deliveries, and is fair to tenants.

use notify_core::clock::{Clock, Monotonic};
use notify_core::id::IdGenerator;
use notify_core::notification::RequestHash;
use notify_core::queue::{Acceptance, Claim, LaneClaim, NewDelivery};
use notify_core::testkit::{Memory, StoreHarness};
use notify_core::{ChannelId, NotificationRequest, Priority, RecipientId, TenantId};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

notify_core::queue_tests!(Memory::new());
notify_core::delivery_tests!(Memory::new());
notify_core::feedback_tests!(Memory::new());
notify_core::digest_tests!(Memory::new());
notify_core::schedule_tests!(Memory::new());

#[tokio::test]
async fn a_long_line_of_one_tenant_does_not_stop_the_others() {
    let harness = Memory::new();
    let (store, ids) = (harness.open().await, IdGenerator::new(1));
    let accept = async |tenant: TenantId, count: usize| {
        let now = harness.clock().now();
        let request = Arc::new(NotificationRequest::new("order_shipped", "orders"));
        let (id, hash) = (ids.notification(now), RequestHash::from_bytes([0; 32]));
        let mut item = Acceptance::new(tenant, id, request, "{}", hash, now);
        let delivery = |_| {
            let (id, ada) = (ids.delivery(now), RecipientId::new("ada"));
            NewDelivery::new(id, ada, ChannelId::EMAIL, now)
        };
        item.deliveries = (0..count).map(delivery).collect();
        store.accept(vec![item]).await.expect("accept");
        harness.clock().advance(Duration::from_secs(1));
    };
    accept("loud".into(), 1_000).await;
    for no in 0..20 {
        accept(format!("quiet-{no}").into(), 1).await;
    }
    let now = harness.clock().now();
    let lane = LaneClaim {
        priority: Priority::Normal,
        channel: ChannelId::EMAIL,
        limit: 1,
    };
    let claim = Claim {
        owner: ids.owner(now),
        lanes: vec![lane],
        now,
        asked_at: Monotonic::default(),
        ttl: Duration::from_secs(60),
    };
    let mut tenants = BTreeSet::new();
    for _ in 0..64 {
        let leases = store.claim(&claim).await.expect("claim");
        tenants.extend(leases.into_iter().map(|lease| lease.tenant));
    }
    // Tenants share shards by chance: a few may stand behind the loud one.
    assert!(tenants.len() > 15, "{tenants:?}");
}
