//! Clauses: caps, an exact sliding window for each key.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::DeliveryState;
use crate::id::{DeliveryId, TenantId};
use crate::queue::{Accepted, Begun, Lease, Outcome, Premise, Start};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, PROVIDER, SECOND, World, at_once, frozen};

const KEY: [u8; 32] = [1; 32];

/// At most two in an hour.
fn two_an_hour(counted_as: DeliveryId) -> Premise {
    Premise::Cap {
        key: KEY,
        max: 2,
        window: HOUR,
        counted_as,
    }
}

/// Begins a new delivery under the cap.
async fn begin_new(world: &World) -> (Begun, Lease) {
    let (id, lease) = world.lent().await;
    (world.begin_if(&lease, &[two_an_hour(id)]).await, lease)
}

/// Sends a new delivery under the cap, which must allow it.
async fn sent(world: &World) -> DeliveryId {
    let (begun, lease) = begin_new(world).await;
    assert_eq!(begun, Begun::Go);
    world.finish(&lease, DeliveryState::Sent).await;
    lease.job.delivery().expect("a delivery")
}

/// When there is room, for a new delivery that the cap must refuse.
async fn refused(world: &World) -> Option<Timestamp> {
    let (begun, lease) = begin_new(world).await;
    world.finish(&lease, DeliveryState::Cancelled).await;
    match begun {
        Begun::Refused {
            retry_at,
            premise: Premise::Cap { .. },
        } => retry_at,
        other => panic!("refused by the cap, not {other:?}"),
    }
}

pub(super) async fn a_cap_counts_in_an_exact_sliding_window(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    sent(&world).await;
    world.pass(HOUR - MINUTE);
    sent(&world).await;
    refused(&world).await;
    world.pass(MINUTE - Duration::from_micros(1));
    refused(&world).await;
    world.pass(Duration::from_micros(1));
    sent(&world).await;
    refused(&world).await;
    world.pass(HOUR - MINUTE - Duration::from_micros(1));
    refused(&world).await;
    world.pass(Duration::from_micros(1));
    sent(&world).await;
    refused(&world).await;
}

pub(super) async fn a_cap_says_when_there_is_room_again(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let first = world.now();
    sent(&world).await;
    let second = world.pass(MINUTE);
    sent(&world).await;
    world.pass(MINUTE);
    assert_eq!(refused(&world).await, Some(first + HOUR));
    world.pass(HOUR - 2 * MINUTE);
    sent(&world).await;
    assert_eq!(refused(&world).await, Some(second + HOUR));
}

pub(super) async fn a_cap_of_nothing_never_has_room(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    sent(&world).await;
    let (id, lease) = world.lent().await;
    let premise = Premise::Cap {
        key: KEY,
        max: 0,
        window: HOUR,
        counted_as: id,
    };
    let begun = world.begin_if(&lease, std::slice::from_ref(&premise)).await;
    assert_eq!(
        begun,
        Begun::Refused {
            premise,
            retry_at: None
        }
    );
}

pub(super) async fn a_cap_counts_a_delivery_once_however_often_it_begins(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, mut lease) = world.lent().await;
    for _ in 0..4 {
        assert_eq!(world.begin_if(&lease, &[two_an_hour(id)]).await, Begun::Go);
        assert_eq!(
            world.begin_if(&lease, &[two_an_hour(id)]).await,
            Begun::Go,
            "asked again"
        );
        world.retry(&lease).await;
        lease = world.lease(id).await;
    }
    world.finish(&lease, DeliveryState::Sent).await;
    sent(&world).await;
    refused(&world).await;
}

pub(super) async fn a_cap_counts_from_the_last_begin_on(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    assert_eq!(world.begin_if(&lease, &[two_an_hour(id)]).await, Begun::Go);
    world.retry(&lease).await;
    let last = world.pass(HOUR - MINUTE);
    let lease = world.lease(id).await;
    assert_eq!(world.begin_if(&lease, &[two_an_hour(id)]).await, Begun::Go);
    world.finish(&lease, DeliveryState::Sent).await;
    world.pass(2 * MINUTE);
    sent(&world).await;
    assert_eq!(refused(&world).await, Some(last + HOUR));
}

pub(super) async fn a_cap_takes_back_what_certainly_did_not_go_out(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    sent(&world).await;
    for outcome in [
        Outcome::Finished(DeliveryState::Failed),
        Outcome::Again {
            due: world.now() + HOUR,
            held: false,
        },
    ] {
        let (begun, lease) = begin_new(&world).await;
        assert_eq!(begun, Begun::Go);
        let mut settlement = world.settlement(&lease, outcome);
        settlement.nothing_went_out = true;
        world.settle(settlement).await;
        world.settle(settlement).await;
    }
    sent(&world).await;
    refused(&world).await;
}

pub(super) async fn a_cap_keeps_what_may_have_gone_out(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (_, lease) = begin_new(&world).await;
    world.finish(&lease, DeliveryState::Parked).await;
    let (_, lease) = begin_new(&world).await;
    world.finish(&lease, DeliveryState::Failed).await;
    refused(&world).await;
}

pub(super) async fn a_cap_is_counted_at_accept_too(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let provided = || {
        let (mut item, id) = world.one();
        item.premises = vec![two_an_hour(id)];
        (item, id)
    };
    let (item, first) = provided();
    world.stored(item).await;
    let lease = world.lease(first).await;
    assert_eq!(
        world.begin_if(&lease, &[two_an_hour(first)]).await,
        Begun::Go,
        "counted once"
    );
    world.stored(provided().0).await;
    let (item, third) = provided();
    assert_eq!(
        world.accept(item).await,
        Accepted::Stale(two_an_hour(third))
    );
    let mut settlement = world.settlement(&lease, Outcome::Finished(DeliveryState::Failed));
    settlement.nothing_went_out = true;
    world.settle(settlement).await;
    world.stored(provided().0).await;
    let (item, fourth) = provided();
    assert_eq!(
        world.accept(item).await,
        Accepted::Stale(two_an_hour(fourth))
    );
}

pub(super) async fn a_cap_holds_within_one_item_and_one_batch(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let deliveries: Vec<_> = (0..3).map(|_| world.delivery()).collect();
    let premises: Vec<_> = deliveries
        .iter()
        .map(|delivery| two_an_hour(delivery.id))
        .collect();
    let mut item = world.item(deliveries);
    item.premises = premises.clone();
    match world.accept(item).await {
        Accepted::Stale(premise) => assert!(premises.contains(&premise)),
        other => panic!("three under a cap of two are stale, not {other:?}"),
    }

    for _ in 0..3 {
        world.queued().await;
    }
    let leases = world.claim(3).await;
    let ids = leases
        .iter()
        .map(|lease| lease.job.delivery().expect("a delivery"));
    let premises: Vec<_> = ids.map(|id| [two_an_hour(id)]).collect();
    let (provider, frozen, now) = (&PROVIDER, &frozen(), world.now());
    let mut starts = Vec::new();
    for (lease, premises) in leases.iter().zip(&premises) {
        starts.push(Start {
            lease,
            provider,
            frozen,
            premises,
            now,
        });
    }
    let begun = world.store.begin(&starts).await.expect("begin");
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Go).count(), 2);
    for (begun, [premise]) in begun.into_iter().zip(premises) {
        let refusal = Begun::Refused {
            premise,
            retry_at: Some(now + HOUR),
        };
        assert!(begun == Begun::Go || begun == refusal, "{begun:?}");
    }
}

pub(super) async fn a_cap_holds_among_16_workers_at_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    for _ in 0..16 {
        world.queued().await;
    }
    let leases: Vec<_> = world.claim(16).await.into_iter().map(Arc::new).collect();
    assert_eq!(leases.len(), 16);
    let begun = at_once(16, |no| {
        let (store, lease, now) = (
            Arc::clone(&world.store),
            Arc::clone(&leases[no]),
            world.now(),
        );
        async move {
            let id = lease.job.delivery().expect("a delivery");
            let (frozen, premises) = (frozen(), [two_an_hour(id)]);
            let (lease, frozen, premises) = (&*lease, &frozen, &premises[..]);
            let start = Start {
                lease,
                provider: &PROVIDER,
                frozen,
                premises,
                now,
            };
            store.begin(&[start]).await.expect("begin").remove(0)
        }
    });
    let begun = begun.await;
    assert_eq!(begun.iter().filter(|begun| **begun == Begun::Go).count(), 2);
    assert!(!begun.contains(&Begun::Fenced));
}

pub(super) async fn a_refused_delivery_is_not_counted(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    sent(&world).await;
    world.pass(30 * MINUTE);
    sent(&world).await;
    for _ in 0..5 {
        refused(&world).await;
    }
    world.pass(30 * MINUTE + SECOND);
    sent(&world).await;
}

pub(super) async fn caps_of_different_keys_and_tenants_are_different_caps(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    sent(&world).await;
    sent(&world).await;
    refused(&world).await;
    let (id, lease) = world.lent().await;
    let other = Premise::Cap {
        key: [2; 32],
        max: 1,
        window: HOUR,
        counted_as: id,
    };
    assert_eq!(world.begin_if(&lease, &[other]).await, Begun::Go);
    let (mut theirs, their_id) = world.one();
    theirs.tenant = TenantId::new("umbrella");
    theirs.premises = vec![two_an_hour(their_id)];
    world.stored(theirs).await;
    assert_eq!(world.claimed().await, [their_id]);
    // The same key, asked about a shorter window.
    world.pass(MINUTE);
    let (id, lease) = world.lent().await;
    let short = Premise::Cap {
        key: KEY,
        max: 1,
        window: SECOND,
        counted_as: id,
    };
    assert_eq!(world.begin_if(&lease, &[short]).await, Begun::Go);
}
