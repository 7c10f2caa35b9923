//! Clauses: idempotency keys.

use std::sync::Arc;

use crate::delivery::DeliveryState;
use crate::id::{NotificationId, TenantId};
use crate::queue::{Acceptance, Accepted};
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, HOUR, World, at_once, key, request_hash};

/// How many deliveries Ada has.
async fn stored(world: &World) -> u64 {
    world
        .store
        .history_count(&world.tenant, &ADA)
        .await
        .expect("history count")
}

pub(super) async fn the_same_key_and_request_is_a_duplicate_with_the_first_id(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (first, first_id) = world.keyed(key(1), request_hash(1));
    let notification = first.id;
    world.stored(first).await;
    for _ in 0..3 {
        let (again, again_id) = world.keyed(key(1), request_hash(1));
        assert_eq!(world.accept(again).await, Accepted::Duplicate(notification));
        assert!(world.find(again_id).await.is_none());
    }
    assert_eq!(stored(&world).await, 1);
    assert_eq!(world.claimed().await, [first_id]);
}

pub(super) async fn the_same_key_with_another_request_is_a_conflict(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (first, first_id) = world.keyed(key(1), request_hash(1));
    let notification = first.id;
    world.stored(first).await;
    let (other, other_id) = world.keyed(key(1), request_hash(2));
    assert_eq!(world.accept(other).await, Accepted::Conflict);
    assert!(world.find(other_id).await.is_none());
    let (again, _) = world.keyed(key(1), request_hash(1));
    assert_eq!(world.accept(again).await, Accepted::Duplicate(notification));
    assert_eq!(world.claimed().await, [first_id]);
}

pub(super) async fn two_equal_keys_in_one_batch_make_one_notification(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (first, first_id) = world.keyed(key(1), request_hash(1));
    let (second, second_id) = world.keyed(key(1), request_hash(1));
    let (third, third_id) = world.keyed(key(1), request_hash(3));
    let (lost, notification) = (second.id, first.id);
    let answers = world.accept_all(vec![first, second, third]).await;
    let expected = [
        Accepted::New,
        Accepted::Duplicate(notification),
        Accepted::Conflict,
    ];
    assert_eq!(answers, expected);
    assert!(
        world.find(second_id).await.is_none(),
        "children of the losing item are not stored"
    );
    assert!(world.find(third_id).await.is_none());
    let of_lost = world
        .store
        .of_notification(&world.tenant, lost)
        .await
        .expect("read");
    assert!(of_lost.is_empty());
    assert_eq!(world.claimed().await, [first_id]);
}

/// Accepts one item with the same key from 32 threads at once, and answers with the ids and answers.
async fn accept_at_once(
    world: &World,
    item: impl Fn(usize) -> Acceptance,
) -> Vec<(NotificationId, Accepted)> {
    let items: Vec<_> = (0..32)
        .map(|no| std::sync::Mutex::new(Some(item(no))))
        .collect();
    let answers = at_once(32, |no| {
        let item = items[no]
            .lock()
            .expect("not poisoned")
            .take()
            .expect("asked once");
        let store = Arc::clone(&world.store);
        async move {
            let id = item.id;
            (
                id,
                store.accept(vec![item]).await.expect("accept").remove(0),
            )
        }
    });
    answers.await
}

pub(super) async fn of_32_callers_with_one_key_at_once_one_is_new(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let answers = accept_at_once(&world, |_| world.keyed(key(1), request_hash(1)).0).await;
    let new: Vec<_> = answers
        .iter()
        .filter(|(_, answer)| *answer == Accepted::New)
        .collect();
    let [(winner, _)] = new[..] else {
        panic!("one of them is new, not {}", new.len());
    };
    for (id, answer) in &answers {
        let expected = if id == winner {
            Accepted::New
        } else {
            Accepted::Duplicate(*winner)
        };
        assert_eq!(*answer, expected);
    }
    assert_eq!(stored(&world).await, 1);
    assert_eq!(world.claimed().await.len(), 1);
}

pub(super) async fn of_32_callers_with_one_key_and_different_requests_the_others_conflict(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let hash = |no| request_hash(u8::try_from(no).expect("small"));
    let answers = accept_at_once(&world, |no| world.keyed(key(1), hash(no)).0).await;
    let count = |wanted| {
        answers
            .iter()
            .filter(|(_, answer)| *answer == wanted)
            .count()
    };
    assert_eq!((count(Accepted::New), count(Accepted::Conflict)), (1, 31));
    assert_eq!(stored(&world).await, 1);
}

pub(super) async fn keys_of_different_tenants_are_different_keys(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ours, _) = world.keyed(key(1), request_hash(1));
    let (mut theirs, _) = world.keyed(key(1), request_hash(2));
    theirs.tenant = TenantId::new("umbrella");
    let (our_id, their_id) = (ours.id, theirs.id);
    assert_eq!(
        world.accept_all(vec![ours, theirs]).await,
        [Accepted::New, Accepted::New]
    );
    let (ours, _) = world.keyed(key(1), request_hash(1));
    let (mut theirs, _) = world.keyed(key(1), request_hash(2));
    theirs.tenant = TenantId::new("umbrella");
    let answers = world.accept_all(vec![ours, theirs]).await;
    assert_eq!(
        answers,
        [Accepted::Duplicate(our_id), Accepted::Duplicate(their_id)]
    );
}

pub(super) async fn the_same_notification_again_is_a_duplicate_of_itself(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (first, delivery) = world.one();
    let id = first.id;
    world.stored(first).await;
    let (mut again, _) = world.one();
    again.id = id;
    again.deliveries[0].id = delivery;
    assert_eq!(world.accept(again).await, Accepted::Duplicate(id));
    assert_eq!(stored(&world).await, 1);
    assert_eq!(world.claimed().await, [delivery]);
}

pub(super) async fn a_key_outlives_the_end_of_its_notification(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (first, delivery) = world.keyed(key(1), request_hash(1));
    let notification = first.id;
    world.stored(first).await;
    let lease = world.lease(delivery).await;
    world.begin(&lease).await;
    world.finish(&lease, DeliveryState::Sent).await;
    world.pass(24 * HOUR);
    let (again, _) = world.keyed(key(1), request_hash(1));
    assert_eq!(world.accept(again).await, Accepted::Duplicate(notification));
    assert!(world.claimed().await.is_empty());
}
