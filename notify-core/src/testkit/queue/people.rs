//! Clauses: what is held for a person, how much they got, and what was accepted under a key.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{Decision, DeliveryState, Reason};
use crate::id::{DeliveryId, RecipientId, TenantId};
use crate::queue::{Begun, CapQuery, CapUse, Outcome, Premise, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, HOUR, MINUTE, World, key, request_hash};

/// What is decided again when quiet hours or zones change.
const TIMES: [Reason; 2] = [Reason::QuietHours, Reason::Scheduled];

/// Holds a delivery for two hours.
async fn held_for(
    world: &World,
    recipient: RecipientId,
    reason: Reason,
    tenant: &TenantId,
) -> DeliveryId {
    let mut delivery = world.delivery_to(recipient);
    let id = delivery.id;
    delivery.due = world.now() + 2 * HOUR;
    delivery.decision = Decision::Hold {
        until: delivery.due,
        reason,
    };
    let mut item = world.item(vec![delivery]);
    item.tenant = tenant.clone();
    world.stored(item).await;
    id
}

async fn held(world: &World, reason: Reason) -> DeliveryId {
    held_for(world, ADA, reason, &world.tenant).await
}

async fn hasten(world: &World) -> u64 {
    world
        .store
        .hasten(&world.tenant, &ADA, &TIMES, world.now())
        .await
        .expect("hasten")
}

async fn due(world: &World, id: DeliveryId) -> Timestamp {
    world.read(id).await.due_at
}

pub(super) async fn hasten_makes_what_is_held_for_a_person_due_and_leaves_it_held(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (quiet, scheduled) = (
        held(&world, Reason::QuietHours).await,
        held(&world, Reason::Scheduled).await,
    );
    let events = world.kinds(quiet).await;
    let now = world.pass(MINUTE);
    assert!(world.claimed().await.is_empty());
    assert_eq!(hasten(&world).await, 2);
    for (id, reason) in [(quiet, TIMES[0]), (scheduled, TIMES[1])] {
        let state = (DeliveryState::Held, Some(reason));
        assert_eq!(world.state(id).await, state);
        assert_eq!(due(&world, id).await, now);
    }
    assert_eq!(world.kinds(quiet).await, events, "nothing was decided yet");
    assert_eq!(hasten(&world).await, 0, "asked again");
    let leases = world.claim(10).await;
    assert_eq!(leases.len(), 2);
    let again = Outcome::Again {
        due: now + HOUR,
        held: true,
    };
    let settled = world.settle(world.settlement(&leases[0], again)).await;
    assert_eq!(
        settled,
        Settled::Applied,
        "what was decided anew is written"
    );
}

pub(super) async fn hasten_leaves_what_waits_for_something_else_alone(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let due_at = world.now() + 2 * HOUR;
    let waiting = held(&world, Reason::WaitsForFallback).await;
    let mut later = world.delivery();
    let queued = later.id;
    later.due = due_at;
    world.stored(world.item(vec![later])).await;
    assert_eq!(hasten(&world).await, 0);
    for id in [waiting, queued] {
        assert_eq!(due(&world, id).await, due_at);
    }
    assert!(world.claimed().await.is_empty());
}

pub(super) async fn hasten_leaves_other_people_and_tenants_alone(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let umbrella = TenantId::new("umbrella");
    let bob = RecipientId::new("bob");
    let others = [
        held_for(&world, bob, Reason::QuietHours, &world.tenant).await,
        held_for(&world, ADA, Reason::QuietHours, &umbrella).await,
    ];
    let due_at = world.now() + 2 * HOUR;
    assert_eq!(hasten(&world).await, 0);
    for id in others {
        assert_eq!(due(&world, id).await, due_at);
    }
    let nobody = RecipientId::new("nobody");
    let none = world.store.hasten(&umbrella, &nobody, &TIMES, world.now());
    assert_eq!(none.await.expect("hasten"), 0);
}

pub(super) async fn hasten_leaves_alone_what_is_due_being_sent_or_over(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let ended = world.ended(DeliveryState::Sent).await;
    let (sending, lease) = world.sending().await;
    let early = held(&world, Reason::QuietHours).await;
    let due_at = due(&world, early).await;
    world.pass(3 * HOUR);
    assert_eq!(hasten(&world).await, 0, "it is due already");
    assert_eq!(due(&world, early).await, due_at);
    assert_eq!(world.state(ended).await.0, DeliveryState::Sent);
    assert_eq!(world.state(sending).await.0, DeliveryState::Sending);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied,
        "nobody took it away"
    );
}

pub(super) async fn hasten_fences_whoever_has_something_of_theirs(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    assert_eq!(hasten(&world).await, 0);
    let until = Outcome::Again {
        due: world.now() + HOUR,
        held: true,
    };
    let late = world.settle(world.settlement(&lease, until)).await;
    assert_eq!(late, Settled::Fenced, "decided by what was known before");
    assert_eq!(world.begin(&lease).await, Begun::Fenced);
    let again = world.lease(id).await;
    assert!(again.epoch > lease.epoch, "it is there for everyone");
    assert_eq!(world.begin(&again).await, Begun::Go);
}

const KEY: [u8; 32] = [7; 32];

/// How much of at most `max` in an hour is used.
async fn used(world: &World, max: u32) -> CapUse {
    let asked = [
        CapQuery::new([8; 32], max, HOUR),
        CapQuery::new(KEY, max, HOUR),
    ];
    let used = world.store.usage(&world.tenant, &asked, world.now()).await;
    let used = used.expect("usage");
    assert_eq!(used.len(), asked.len(), "one answer for each question");
    let room_at = (max > 0).then_some(world.now());
    assert_eq!(used[0], CapUse::new(0, room_at), "another key");
    used[1]
}

/// Begins a delivery that is counted.
async fn count(world: &World) -> bool {
    let (id, lease) = world.lent().await;
    let premise = Premise::Cap {
        key: KEY,
        max: 2,
        window: HOUR,
        counted_as: id,
    };
    let begun = world.begin_if(&lease, &[premise]).await == Begun::Go;
    world.finish(&lease, DeliveryState::Sent).await;
    begun
}

pub(super) async fn usage_counts_what_a_cap_would_count_and_counts_nothing_itself(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    for _ in 0..3 {
        assert_eq!(used(&world, 2).await.used, 0);
    }
    assert!(count(&world).await);
    assert_eq!(used(&world, 2).await.used, 1);
    assert!(count(&world).await);
    assert_eq!(used(&world, 2).await.used, 2);
    assert!(!count(&world).await, "the cap counts the same");
    assert_eq!(used(&world, 2).await.used, 2);
    let stranger = TenantId::new("umbrella");
    let asked = [CapQuery::new(KEY, 2, HOUR)];
    let theirs = world.store.usage(&stranger, &asked, world.now()).await;
    assert_eq!(theirs.expect("usage")[0].used, 0);
    world.pass(HOUR - Duration::from_micros(1));
    assert_eq!(used(&world, 2).await.used, 2);
    world.pass(Duration::from_micros(1));
    assert_eq!(used(&world, 2).await.used, 0);
}

pub(super) async fn usage_says_when_there_is_room(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let first = world.now();
    assert_eq!(used(&world, 2).await.room_at, Some(first));
    assert_eq!(used(&world, 0).await.room_at, None, "there never is");
    count(&world).await;
    let second = world.pass(MINUTE);
    assert_eq!(used(&world, 2).await.room_at, Some(second), "now");
    count(&world).await;
    world.pass(MINUTE);
    assert_eq!(used(&world, 2).await.room_at, Some(first + HOUR));
    assert_eq!(used(&world, 1).await.room_at, Some(second + HOUR));
}

pub(super) async fn a_notification_is_found_by_its_key(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (item, _) = world.keyed(key(1), request_hash(1));
    let id = item.id;
    assert_eq!(find(&world, &world.tenant).await, None);
    world.stored(item).await;
    assert_eq!(find(&world, &world.tenant).await, Some(id));
    assert_eq!(find(&world, &TenantId::new("umbrella")).await, None);
    let other = world.store.find_key(&world.tenant, &key(2)).await;
    assert_eq!(other.expect("find"), None);
}

async fn find(world: &World, tenant: &TenantId) -> Option<crate::id::NotificationId> {
    let found = world.store.find_key(tenant, &key(1)).await;
    found.expect("find")
}
