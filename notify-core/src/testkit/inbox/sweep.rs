//! How long items are kept.

use crate::error::ErrorKind;
use crate::inbox::{InboxCounts, InboxStatus, Mark, NewInboxItem};
use crate::testkit::inbox::{DAY, SECOND, World, sequences};
use crate::testkit::{StoreHarness, sample};

pub(super) async fn retain_outside_of_1_to_15_days_is_refused(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.fill(1).await;
    for days in [0, 16, u8::MAX] {
        let retain = world
            .inbox
            .retain(&world.tenant, &world.recipient, days)
            .await;
        let error = retain.expect_err("outside of 1 to 15");
        assert_eq!(
            (error.kind(), error.field_name()),
            (ErrorKind::Invalid, Some("days"))
        );
    }
    world.clock.advance(DAY * 14);
    assert_eq!(world.sweep().await, 0, "a refused choice changes nothing");
    for days in 1..=15 {
        world.retain(days).await;
    }
}

pub(super) async fn sweep_removes_what_is_older_than_the_retention(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    world.limits = world.limits.with_retention(DAY);
    assert_eq!(world.sweep().await, 0, "nothing is there");
    let old = world.fill(3).await;
    world.mark(&old[..1], Mark::Read).await;
    world.clock.advance(DAY / 2);
    let young = world.fill(2).await;
    world.clock.advance(DAY / 2 - SECOND);
    assert_eq!(world.sweep().await, 0, "a second before its time");
    world.clock.advance(SECOND * 2);
    assert_eq!(world.sweep().await, 3);
    assert_eq!(sequences(&world.all().await), [young[1], young[0]]);
    assert_eq!(world.counts().await, InboxCounts::new(2, 2));
    assert_eq!(
        world.mark(&old, Mark::Read).await,
        InboxCounts::new(2, 2),
        "they are gone"
    );
}

pub(super) async fn a_persons_own_retention_goes_before_the_default(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    world.limits = world.limits.with_retention(DAY * 3);
    let mut people = Vec::new();
    for (name, days) in [("short", Some(1)), ("default", None), ("long", Some(15))] {
        let mut person = world.in_inbox_of(sample::tenant(), name);
        person.limits = world.limits;
        if let Some(days) = days {
            person.retain(days).await;
        }
        person.fill(2).await;
        people.push(person);
    }
    world.clock.advance(SECOND);
    for (days, left) in [(1, [0, 2, 2]), (2, [0, 0, 2]), (12, [0, 0, 0])] {
        world.clock.advance(DAY * days);
        world.sweep().await;
        for (person, left) in people.iter().zip(left) {
            assert_eq!(person.all().await.len(), left, "{}", person.recipient);
            assert_eq!(
                person.counts().await.unread,
                left as u64,
                "{}",
                person.recipient
            );
        }
    }
}

pub(super) async fn a_persons_retention_holds_for_items_already_there(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.retain(10).await;
    world.fill(1).await;
    world.clock.advance(DAY * 2);
    world.fill(1).await;
    world.clock.advance(SECOND);
    assert_eq!(world.sweep().await, 0);
    world.retain(1).await;
    assert_eq!(world.sweep().await, 1, "it was there before the choice");
    world.retain(5).await;
    world.clock.advance(DAY * 4);
    assert_eq!(world.sweep().await, 0, "the last choice holds");
    world.clock.advance(DAY * 2);
    assert_eq!(world.sweep().await, 1);
}

pub(super) async fn sweep_clears_the_text_of_what_went_stale_unread(harness: &dyn StoreHarness) {
    use InboxStatus::{AutoCleared, Unread};
    let world = World::new(harness).await;
    let stale_at = Some(world.now() + SECOND * 60);
    let unread = NewInboxItem {
        stale_at,
        ..world.item()
    };
    let seen = NewInboxItem {
        stale_at,
        ..world.item()
    };
    let later = NewInboxItem {
        stale_at: Some(world.now() + SECOND * 600),
        ..world.item()
    };
    let all = world
        .push(&[unread.clone(), seen, later, world.item()])
        .await;
    world.mark(&all[1..2], Mark::Seen).await;
    world.clock.advance(SECOND * 59);
    assert_eq!(world.sweep().await, 0, "a second before its time");
    world.clock.advance(SECOND * 2);
    assert_eq!(world.sweep().await, 2);
    assert_eq!(
        world.statuses().await,
        [AutoCleared, AutoCleared, Unread, Unread]
    );
    assert_eq!(
        world.counts().await,
        InboxCounts::new(2, 2),
        "they wait no longer"
    );
    let cleared = world.page(None, 10, false).await.remove(3);
    let message = &cleared.message;
    assert!(
        message.title.is_empty() && message.body.is_empty(),
        "its text is gone: {message:?}"
    );
    assert_eq!(
        (&message.click_action, &message.image),
        (&None, &None),
        "its links are gone"
    );
    assert_eq!((cleared.delivery, cleared.at), (unread.delivery, unread.at));
    assert_eq!(
        world.push(&[unread]).await,
        all[..1],
        "its delivery is known"
    );
}

pub(super) async fn what_was_read_in_time_does_not_go_stale(harness: &dyn StoreHarness) {
    use InboxStatus::{Archived, Read};
    let world = World::new(harness).await;
    let stale_at = Some(world.now() + SECOND * 60);
    let items = [0, 1].map(|_| NewInboxItem {
        stale_at,
        ..world.item()
    });
    let all = world.push(&items).await;
    world.mark(&all[..1], Mark::Read).await;
    world.mark(&all[1..], Mark::Archived).await;
    world.clock.advance(SECOND * 61);
    assert_eq!(world.sweep().await, 0);
    assert_eq!(world.statuses().await, [Read, Archived]);
    assert!(
        world
            .all()
            .await
            .iter()
            .all(|item| item.message == items[0].message),
        "the text stays"
    );
}

pub(super) async fn a_cleared_item_stays_cleared(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let stale_at = Some(world.now() + SECOND);
    let item = world
        .push(&[NewInboxItem {
            stale_at,
            ..world.item()
        }])
        .await;
    world.clock.advance(SECOND * 2);
    assert_eq!(world.sweep().await, 1);
    for mark in [Mark::Seen, Mark::Read, Mark::Archived] {
        assert_eq!(world.mark(&item, mark).await, InboxCounts::default());
        assert_eq!(world.mark_all(item[0], mark).await, InboxCounts::default());
        assert_eq!(world.statuses().await, [InboxStatus::AutoCleared]);
    }
    assert_eq!(world.sweep().await, 0, "it is cleared once");
    world.clock.advance(DAY * 20);
    assert_eq!(world.sweep().await, 1, "it is removed like any other");
}

pub(super) async fn sweeps_come_to_an_end(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    world.limits = world.limits.with_cap(10_000);
    let stale_at = Some(world.now() + SECOND);
    let stale: Vec<_> = (0..700)
        .map(|_| NewInboxItem {
            stale_at,
            ..world.item()
        })
        .collect();
    world.push(&stale).await;
    world.fill(1_600).await;
    world.clock.advance(SECOND * 2);
    assert_eq!(world.sweep().await, 700);
    assert_eq!(world.counts().await, InboxCounts::new(1_600, 1_600));
    world.clock.advance(DAY * 20);
    assert_eq!(world.sweep().await, 2_300);
    assert_eq!(world.counts().await, InboxCounts::default());
}
