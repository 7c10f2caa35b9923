//! What people do with items, and what is counted.

use crate::inbox::{InboxCounts, InboxStatus, Mark};
use crate::testkit::inbox::{SECOND, World};
use crate::testkit::{StoreHarness, sample};

pub(super) async fn an_empty_inbox_counts_nothing(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert_eq!(world.counts().await, InboxCounts::default());
    assert_eq!(world.mark(&[1], Mark::Read).await, InboxCounts::default());
    assert_eq!(
        world.mark_all(u64::MAX, Mark::Read).await,
        InboxCounts::default()
    );
}

pub(super) async fn counts_follow_every_mark(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let all = world.fill(5).await;
    assert_eq!(world.counts().await, InboxCounts::new(5, 5));
    assert_eq!(
        world.mark(&all[..2], Mark::Seen).await,
        InboxCounts::new(5, 3)
    );
    assert_eq!(
        world.mark(&all[1..3], Mark::Read).await,
        InboxCounts::new(3, 2)
    );
    assert_eq!(
        world.mark(&all[..1], Mark::Archived).await,
        InboxCounts::new(2, 2)
    );
    assert_eq!(
        world.mark(&all[2..4], Mark::Archived).await,
        InboxCounts::new(1, 1)
    );
    assert_eq!(world.mark(&[], Mark::Read).await, InboxCounts::new(1, 1));
    assert_eq!(world.mark(&all, Mark::Read).await, InboxCounts::default());
}

pub(super) async fn mark_never_moves_an_item_back(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for first in [
        None,
        Some(Mark::Seen),
        Some(Mark::Read),
        Some(Mark::Archived),
    ] {
        for second in [Mark::Seen, Mark::Read, Mark::Archived] {
            let item = world.fill(1).await;
            let mut expected = InboxStatus::Unread;
            for mark in first.into_iter().chain([second]) {
                world.mark(&item, mark).await;
                expected = expected.marked(mark);
            }
            let found = world.all().await[0].status;
            assert_eq!(found, expected, "{second:?} after {first:?}");
        }
    }
}

pub(super) async fn mark_ignores_what_is_not_there(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let bob = world.in_inbox_of(sample::tenant(), "bob");
    let first = world.fill(2).await[0];
    bob.fill(9).await;
    let absent = [0, first + 7, i64::MAX.unsigned_abs(), u64::MAX];
    for mark in [Mark::Seen, Mark::Read, Mark::Archived] {
        assert_eq!(
            world.mark(&absent, mark).await,
            InboxCounts::new(2, 2),
            "{mark:?}"
        );
    }
    let mixed = [u64::MAX, first, first + 7];
    assert_eq!(world.mark(&mixed, Mark::Read).await, InboxCounts::new(1, 1));
    assert_eq!(
        bob.counts().await,
        InboxCounts::new(9, 9),
        "the sequences of another inbox"
    );
}

pub(super) async fn marking_twice_in_one_call_counts_once(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let all = world.fill(3).await;
    let twice = [all[0], all[1], all[0], all[0]];
    assert_eq!(world.mark(&twice, Mark::Seen).await, InboxCounts::new(3, 1));
    assert_eq!(world.mark(&twice, Mark::Read).await, InboxCounts::new(1, 1));
}

pub(super) async fn mark_all_marks_up_to_and_including(harness: &dyn StoreHarness) {
    use InboxStatus::{Archived, Read, Seen, Unread};
    let world = World::new(harness).await;
    let all = world.fill(5).await;
    world.mark(&all[..1], Mark::Archived).await;
    assert_eq!(
        world.mark_all(all[3], Mark::Seen).await,
        InboxCounts::new(4, 1)
    );
    assert_eq!(world.statuses().await, [Archived, Seen, Seen, Seen, Unread]);
    assert_eq!(
        world.mark_all(all[1], Mark::Read).await,
        InboxCounts::new(3, 1)
    );
    assert_eq!(
        world.mark_all(all[0].saturating_sub(1), Mark::Read).await,
        InboxCounts::new(3, 1)
    );
    assert_eq!(world.statuses().await, [Archived, Read, Seen, Seen, Unread]);
    assert_eq!(
        world.mark_all(u64::MAX, Mark::Archived).await,
        InboxCounts::default()
    );
    assert_eq!(world.statuses().await, [Archived; 5]);
}

pub(super) async fn a_mark_is_seen_by_the_delivery(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let (id, sequence) = world.deliver_item().await;
    let (other, _) = world.deliver_item().await;
    let delivery = world.delivery(id).await;
    assert_eq!((delivery.seen_at, delivery.read_at), (None, None));
    world.clock.advance(SECOND);
    let seen = world.now();
    world.mark(&[sequence], Mark::Seen).await;
    let delivery = world.delivery(id).await;
    assert_eq!((delivery.seen_at, delivery.read_at), (Some(seen), None));
    world.clock.advance(SECOND);
    world.mark(&[sequence], Mark::Read).await;
    let delivery = world.delivery(id).await;
    assert_eq!(
        (delivery.seen_at, delivery.read_at),
        (Some(seen), Some(world.now()))
    );
    let other = world.delivery(other).await;
    assert_eq!(
        (other.seen_at, other.read_at),
        (None, None),
        "another delivery"
    );
}

pub(super) async fn the_first_mark_of_a_delivery_stands(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let (id, sequence) = world.deliver_item().await;
    let first = world.now();
    world.mark(&[sequence], Mark::Read).await;
    let delivery = world.delivery(id).await;
    let expected = (Some(first), Some(first));
    assert_eq!(
        (delivery.seen_at, delivery.read_at),
        expected,
        "who reads it has seen it"
    );
    world.clock.advance(SECOND);
    for mark in [Mark::Seen, Mark::Read, Mark::Archived, Mark::Read] {
        world.mark(&[sequence], mark).await;
        let delivery = world.delivery(id).await;
        assert_eq!(
            (delivery.seen_at, delivery.read_at),
            expected,
            "after {mark:?}"
        );
    }
}

pub(super) async fn archiving_is_neither_seeing_nor_reading(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let (id, sequence) = world.deliver_item().await;
    world.mark(&[sequence], Mark::Archived).await;
    let delivery = world.delivery(id).await;
    assert_eq!((delivery.seen_at, delivery.read_at), (None, None));
}

pub(super) async fn mark_all_is_seen_by_the_deliveries(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let (first, second) = (world.deliver_item().await, world.deliver_item().await);
    let third = world.deliver_item().await;
    world.mark_all(second.1, Mark::Seen).await;
    world.mark_all(first.1, Mark::Read).await;
    let now = Some(world.now());
    for (id, seen_at, read_at) in [
        (first.0, now, now),
        (second.0, now, None),
        (third.0, None, None),
    ] {
        let delivery = world.delivery(id).await;
        assert_eq!((delivery.seen_at, delivery.read_at), (seen_at, read_at));
    }
}
