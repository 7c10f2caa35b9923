//! Inboxes side by side, after any calls, and after the process.

use std::sync::Arc;

use crate::inbox::{InboxCounts, Mark};
use crate::testkit::inbox::{DAY, SECOND, World, random_operations};
use crate::testkit::{StoreHarness, sample};

pub(super) async fn persons_do_not_share_an_inbox(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    separate(&world, &world.in_inbox_of(sample::tenant(), "bob")).await;
}

pub(super) async fn tenants_do_not_share_an_inbox(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    separate(&world, &world.in_inbox_of(sample::other_tenant(), "ada")).await;
}

pub(super) async fn ids_are_compared_exactly(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let mut people = Vec::new();
    for (n, id) in sample::strange_ids().into_iter().enumerate() {
        let person = world.in_inbox_of(sample::tenant(), id);
        person.fill(n + 1).await;
        people.push(person);
    }
    for (n, person) in people.iter().enumerate() {
        let counts = InboxCounts::new(n as u64 + 1, n as u64 + 1);
        assert_eq!(person.counts().await, counts, "{:?}", person.recipient);
        assert_eq!(person.all().await.len(), n + 1, "{:?}", person.recipient);
    }
}

pub(super) async fn counts_equal_a_count_after_any_sequence_of_calls(harness: &dyn StoreHarness) {
    random_operations(harness, 1, 250).await;
}

pub(super) async fn inboxes_outlive_the_process(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let all = world.fill(3).await;
    world.mark(&all[..1], Mark::Read).await;
    world.retain(2).await;
    let before = (world.all().await, world.counts().await);
    // The same maker of ids: one that begins anew makes the ids of deliveries that are there already.
    let ids = Arc::clone(&world.ids);
    let again = World {
        ids,
        ..World::of(harness.reopen().await, harness.clock())
    };
    if harness.durable() {
        assert_eq!((again.all().await, again.counts().await), before);
        assert_eq!(again.fill(1).await, [all[2] + 1], "the sequence goes on");
        world.clock.advance(DAY * 2 + SECOND);
        assert_eq!(again.sweep().await, 4, "the person's retention is kept");
    } else {
        assert!(
            again.all().await.is_empty(),
            "a store that is not durable is empty"
        );
    }
}

/// Nothing that is done in one inbox is seen in the other.
async fn separate(one: &World, other: &World) {
    let theirs = other.fill(2).await;
    let before = other.all().await;
    let ours = one.fill(3).await;
    one.mark(&theirs, Mark::Seen).await;
    one.mark(&ours[..1], Mark::Read).await;
    one.mark_all(u64::MAX, Mark::Archived).await;
    one.retain(1).await;
    one.clock.advance(DAY * 2);
    assert_eq!(one.sweep().await, 3);
    assert_eq!(other.all().await, before);
    assert_eq!(other.counts().await, InboxCounts::new(2, 2));
    assert!(one.all().await.is_empty());
}
