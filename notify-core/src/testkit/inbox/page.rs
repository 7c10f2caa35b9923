//! What an inbox shows.

use crate::inbox::{InboxStatus, Mark};
use crate::testkit::StoreHarness;
use crate::testkit::inbox::{DAY, World, sequences};

pub(super) async fn page_gives_the_newest_first(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    // The order is that of the pushes, whatever the items say of their time.
    let mut late = world.item();
    late.at = world.now() + DAY;
    world.push(&[late, world.item()]).await;
    world.fill(2).await;
    let page = sequences(&world.page(None, 10, false).await);
    assert!(
        page.len() == 4 && page.windows(2).all(|two| two[0] == two[1] + 1),
        "{page:?}"
    );
}

pub(super) async fn page_gives_only_items_before_the_one_named(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let first = world.fill(4).await[0];
    for n in 0..5 {
        let expected: Vec<_> = (0..n).rev().map(|n| first + n).collect();
        assert_eq!(
            sequences(&world.page(Some(first + n), 10, false).await),
            expected
        );
    }
    for far in [i64::MAX.unsigned_abs(), u64::MAX] {
        assert_eq!(
            world.page(Some(far), 10, false).await.len(),
            4,
            "before the far future"
        );
    }
    assert!(world.page(Some(0), 10, false).await.is_empty());
}

pub(super) async fn page_gives_at_most_so_many(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let first = world.fill(4).await[0];
    for limit in [0, 1, 3, 4, 5, u32::MAX] {
        let page = world.page(None, limit, false).await;
        assert_eq!(page.len(), 4.min(limit as usize), "limit {limit}");
        assert!(
            page.first().is_none_or(|item| item.sequence == first + 3),
            "the newest"
        );
    }
}

pub(super) async fn pages_neither_repeat_nor_skip_an_item(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let first = world.fill(8).await[0];
    world.mark(&[first + 2, first + 5], Mark::Archived).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = world.page(before, 2, false).await;
        let Some(last) = page.last() else { break };
        before = Some(last.sequence);
        seen.extend(sequences(&page));
        // What comes meanwhile does not move the pages that are older.
        world.fill(1).await;
    }
    assert_eq!(seen, [7, 6, 4, 3, 1, 0].map(|n| first + n));
}

pub(super) async fn page_shows_archived_items_only_when_asked(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let all = world.fill(6).await;
    world.mark(&all[2..5], Mark::Archived).await;
    let shown = sequences(&world.page(None, 3, false).await);
    assert_eq!(
        shown,
        [all[5], all[1], all[0]],
        "a full page of those that are shown"
    );
    let shown = world.page(None, 3, true).await;
    assert_eq!(sequences(&shown), [all[5], all[4], all[3]]);
    assert_eq!(shown[1].status, InboxStatus::Archived);
}
