//! What is put into an inbox.

use std::sync::Arc;
use std::time::Duration;

use crate::inbox::{InboxCounts, InboxItem, InboxStatus, Mark, NewInboxItem};
use crate::testkit::inbox::{DAY, World, sequences};
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, sample};

pub(super) async fn push_gives_each_item_the_next_sequence_of_its_inbox(
    harness: &dyn StoreHarness,
) {
    let world = World::new(harness).await;
    let bob = world.in_inbox_of(sample::tenant(), "bob");
    let first = world.fill(1).await[0];
    assert_eq!(first, 1, "the first item of an inbox");
    assert_eq!(world.fill(2).await, [first + 1, first + 2]);
    let bobs = bob.fill(1).await[0];
    let mixed = [world.item(), bob.item(), bob.item(), world.item()];
    assert_eq!(
        world.push(&mixed).await,
        [first + 3, bobs + 1, bobs + 2, first + 4]
    );
    assert_eq!(sequences(&bob.all().await), [bobs + 2, bobs + 1, bobs]);
}

pub(super) async fn push_of_nothing_does_nothing(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert!(world.push(&[]).await.is_empty());
    assert!(world.all().await.is_empty());
}

pub(super) async fn an_item_reads_back_whole(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let bare = NewInboxItem {
        stale_at: None,
        ..world.item()
    };
    let mut full = world.item();
    full.stale_at = Some(world.now() + Duration::from_micros(86_400_000_001));
    full.message.title = "“Ordre” nº 17 👩‍🚀".to_owned();
    full.message.body = "it's \"on\" its\\way\r\n\u{1F600}".to_owned();
    let mut plain = world.item();
    plain.message.click_action = None;
    plain.message.image = None;
    let items = [bare, full, plain];
    let sequences = world.push(&items).await;
    let expected = sequences.into_iter().zip(items).rev();
    let expected: Vec<_> = expected
        .map(|(sequence, item)| InboxItem::new(sequence, item, InboxStatus::Unread))
        .collect();
    assert_eq!(world.all().await, expected);
}

pub(super) async fn the_same_delivery_again_stores_nothing(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let item = world.item();
    let first = world.push(std::slice::from_ref(&item)).await;
    world.fill(1).await;
    world.mark(&first, Mark::Read).await;
    let before = world.all().await;
    let mut again = item.clone();
    again.message.title = "another text".to_owned();
    let new = world.item();
    let answer = world.push(&[again, new]).await;
    assert_eq!(
        answer,
        [first[0], first[0] + 2],
        "the sequence it has, and the next one"
    );
    let after = world.all().await;
    assert_eq!(after[1..], before, "the item is as it was");
    assert_eq!(world.counts().await, InboxCounts::new(2, 2));
}

pub(super) async fn the_same_delivery_twice_in_one_call_is_stored_once(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let (a, b) = (world.item(), world.item());
    let answer = world.push(&[a.clone(), b, a]).await;
    assert_eq!(answer, [answer[0], answer[0] + 1, answer[0]]);
    assert_eq!(world.all().await.len(), 2);
    assert_eq!(world.counts().await, InboxCounts::new(2, 2));
}

pub(super) async fn callers_at_the_same_time_share_no_sequence(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let twice = world.item();
    let push = |n: usize| {
        let (inbox, tenant) = (Arc::clone(&world.inbox), world.tenant.clone());
        let (limits, again) = (world.limits, n.is_multiple_of(8));
        let item = if again { twice.clone() } else { world.item() };
        async move { inbox.push(&tenant, &[item], &limits).await }
    };
    let mut given = Vec::new();
    for answer in at_once(16, push).await {
        given.extend(answer.expect("is stored"));
    }
    given.sort_unstable();
    let mut stored = sequences(&world.all().await);
    stored.reverse();
    assert_eq!(stored.len(), 15, "one delivery came twice");
    assert!(
        stored.windows(2).all(|two| two[0] + 1 == two[1]),
        "a gap in {stored:?}"
    );
    given.dedup();
    assert_eq!(given, stored);
    assert_eq!(world.counts().await, InboxCounts::new(15, 15));
}

pub(super) async fn push_beyond_the_cap_removes_the_oldest(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    world.limits = world.limits.with_cap(3);
    let bob = world.in_inbox_of(sample::tenant(), "bob");
    bob.fill(1).await;
    let first = world.fill(2).await[0];
    world.mark(&[first + 1], Mark::Archived).await;
    world.fill(2).await;
    assert_eq!(
        sequences(&world.all().await),
        [first + 3, first + 2, first + 1]
    );
    let many = world.fill(5).await;
    assert_eq!(
        many,
        [4, 5, 6, 7, 8].map(|n| first + n),
        "also those that gave way at once"
    );
    assert_eq!(
        sequences(&world.all().await),
        [first + 8, first + 7, first + 6]
    );
    assert_eq!(bob.all().await.len(), 1, "another inbox");
    world.limits = world.limits.with_cap(1);
    world.fill(1).await;
    assert_eq!(
        sequences(&world.all().await),
        [first + 9],
        "a smaller cap holds at the next push"
    );
}

pub(super) async fn what_the_cap_removed_counts_no_longer(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    world.limits = world.limits.with_cap(3);
    let first = world.fill(3).await[0];
    world.mark(&[first], Mark::Read).await;
    world.mark(&[first + 1], Mark::Seen).await;
    assert_eq!(world.counts().await, InboxCounts::new(2, 1));
    for expected in [(3, 2), (3, 3), (3, 3)] {
        world.fill(1).await;
        assert_eq!(
            world.counts().await,
            InboxCounts::new(expected.0, expected.1)
        );
    }
    world.fill(7).await;
    assert_eq!(world.counts().await, InboxCounts::new(3, 3));
}

pub(super) async fn a_sequence_is_never_used_again(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    let first = world.fill(3).await[0];
    world.clock.advance(DAY * 30);
    assert_eq!(world.sweep().await, 3);
    assert!(world.all().await.is_empty());
    assert_eq!(
        world.fill(1).await,
        [first + 3],
        "after a sweep of everything"
    );
    world.limits = world.limits.with_cap(1);
    assert_eq!(
        world.fill(2).await,
        [first + 4, first + 5],
        "after the cap took the rest"
    );
}
