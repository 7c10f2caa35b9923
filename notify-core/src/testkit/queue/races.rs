//! Clauses: calls about one job at the same time.

use std::sync::Arc;

use crate::audit::Actor;
use crate::delivery::{DeliveryState, EventKind, Reason};
use crate::id::DeliveryId;
use crate::queue::{Begun, CancelOutcome, Lease, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{World, both};

/// How often each race is run.
const ROUNDS: usize = 20;

async fn begin(world: Arc<World>, lease: Arc<Lease>) -> Begun {
    world.begin(&lease).await
}

async fn finish(world: Arc<World>, lease: Arc<Lease>) -> Settled {
    world.finish(&lease, DeliveryState::Sent).await
}

async fn cancel(world: Arc<World>, id: DeliveryId) -> CancelOutcome {
    let (tenant, actor) = (&world.tenant, Actor::operator("grace"));
    let cancelled = world
        .store
        .cancel(tenant, &[id], Reason::Cancelled, &actor, world.now())
        .await;
    cancelled.expect("cancel").remove(0)
}

async fn reclaim(world: Arc<World>) -> u64 {
    let reclaimed = world.store.reclaim(&[world.owner], world.now()).await;
    reclaimed.expect("reclaim")
}

async fn requeue(world: Arc<World>, id: DeliveryId) -> bool {
    let (tenant, actor) = (&world.tenant, Actor::operator("grace"));
    let requeued = world
        .store
        .requeue(tenant, &[id], &actor, world.now())
        .await;
    requeued.expect("requeue").remove(0)
}

pub(super) async fn begin_by_two_at_once_counts_once(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    for _ in 0..ROUNDS {
        let (id, lease) = world.lent().await;
        let lease = Arc::new(lease);
        let one = begin(Arc::clone(&world), Arc::clone(&lease));
        let other = begin(Arc::clone(&world), Arc::clone(&lease));
        assert_eq!(both(one, other).await, (Begun::Go, Begun::Go));
        world.retry(&lease).await;
        let lease = world.lease(id).await;
        assert_eq!(lease.sends, 1);
        world.finish(&lease, DeliveryState::Expired).await;
    }
}

pub(super) async fn settle_by_two_at_once_is_written_once(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    for _ in 0..ROUNDS {
        let (id, lease) = world.sending().await;
        let lease = Arc::new(lease);
        let one = finish(Arc::clone(&world), Arc::clone(&lease));
        let other = finish(Arc::clone(&world), lease);
        assert_eq!(both(one, other).await, (Settled::Applied, Settled::Applied));
        let kinds = world.kinds(id).await;
        assert_eq!(kinds, [EventKind::Accepted, EventKind::Sent]);
    }
}

pub(super) async fn of_begin_and_cancel_at_once_one_wins(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    let mut cancelled = 0;
    for _ in 0..ROUNDS {
        let (id, lease) = world.lent().await;
        let lease = Arc::new(lease);
        let one = begin(Arc::clone(&world), Arc::clone(&lease));
        match both(one, cancel(Arc::clone(&world), id)).await {
            (Begun::Fenced, CancelOutcome::Cancelled) => {
                assert_eq!(world.state(id).await.0, DeliveryState::Cancelled);
                cancelled += 1;
            }
            (Begun::Go, CancelOutcome::TooLate(DeliveryState::Sending)) => {
                assert_eq!(world.state(id).await.0, DeliveryState::Sending);
                world.finish(&lease, DeliveryState::Sent).await;
            }
            both => panic!("one of them wins: {both:?}"),
        }
    }
    assert_eq!(world.audited().await.len(), cancelled);
}

pub(super) async fn of_settle_and_reclaim_at_once_one_wins(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    for _ in 0..ROUNDS {
        let (id, lease) = world.sending().await;
        let one = finish(Arc::clone(&world), Arc::new(lease));
        match both(one, reclaim(Arc::clone(&world))).await {
            (Settled::Applied, 0) => assert_eq!(world.state(id).await.0, DeliveryState::Sent),
            (Settled::Fenced, 1) => {
                let lease = world.lease(id).await;
                assert!(lease.interrupted);
                world.finish(&lease, DeliveryState::Parked).await;
            }
            both => panic!("one of them wins: {both:?}"),
        }
    }
}

pub(super) async fn of_two_requeues_at_once_one_wins(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    for round in 1..=ROUNDS {
        let id = world.ended(DeliveryState::Dead).await;
        let one = requeue(Arc::clone(&world), id);
        let (one, other) = both(one, requeue(Arc::clone(&world), id)).await;
        assert!(one != other, "one of them wins: {one} {other}");
        let lease = world.lease(id).await;
        world.finish(&lease, DeliveryState::Expired).await;
        assert_eq!(world.audited().await.len(), round);
    }
}
