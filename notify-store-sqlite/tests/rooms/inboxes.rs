//! Counters are what a count would give, after anything.

use notify_core::TenantId;
use notify_core::clock::{Entropy as _, SeededEntropy};
use notify_core::id::{IdGenerator, RecipientId};
use notify_core::inbox::{InboxLimits, InboxStatus, InboxStore, Mark, NewInboxItem};
use std::collections::BTreeMap;
use std::time::Duration;

use crate::world::{NOW, World, item};

/// Puts items in, marks them, chooses retentions and sweeps, at random, for some people of two tenants.
async fn use_inboxes(world: &World, seed: u64, steps: u32) {
    let (random, ids) = (SeededEntropy::new(seed), IdGenerator::new(seed));
    let pick = |below: u64| random.next_u64() % below;
    let limits = InboxLimits::default()
        .with_cap(7)
        .with_retention(Duration::from_secs(4 * 86_400));
    let mut now = NOW;
    let mut last: Vec<NewInboxItem> = Vec::new();
    for _ in 0..steps {
        now = now + Duration::from_secs(pick(10_000));
        let tenant = TenantId::from(["acme", "globex"][usize::from(pick(3) == 0)]);
        let recipient = || RecipientId::from(format!("p{}", pick(4)));
        let mark =
            [Mark::Seen, Mark::Read, Mark::Archived][usize::try_from(pick(3)).expect("small")];
        match pick(10) {
            0..=3 => {
                let mut items: Vec<_> = (0..pick(12))
                    .map(|_| item(&ids, recipient().as_str(), now))
                    .collect();
                for item in &mut items {
                    item.stale_at = (pick(3) == 0).then(|| now + Duration::from_secs(pick(50_000)));
                }
                if pick(3) == 0 {
                    items.extend(last.iter().take(3).cloned());
                }
                world
                    .store
                    .push(&tenant, &items, &limits)
                    .await
                    .expect("is stored");
                last = items;
            }
            4 | 5 => {
                let sequences: Vec<_> = (0..pick(9)).map(|_| pick(60)).collect();
                let whose = recipient();
                let store = &world.store;
                let marked = store.mark(&tenant, &whose, &sequences, mark, now).await;
                let counts = store.counts(&tenant, &whose).await.expect("reads");
                assert_eq!(marked.expect("is marked"), counts);
            }
            6 => {
                let (whose, up_to) = (recipient(), pick(60));
                let marked = world
                    .store
                    .mark_all(&tenant, &whose, up_to, mark, now)
                    .await;
                marked.expect("is marked");
            }
            7 => {
                let days = u8::try_from(1 + pick(15)).expect("small");
                world
                    .store
                    .retain(&tenant, &recipient(), days)
                    .await
                    .expect("is set");
            }
            _ => {
                world.store.sweep_inbox(now, &limits).await.expect("sweeps");
            }
        }
    }
}

#[tokio::test]
async fn counters_are_what_a_count_gives_after_anything() {
    for seed in 1..=4 {
        let world = World::new().await;
        for part in 0..8 {
            use_inboxes(&world, seed * 100 + part, 40).await;
            world.check().await;
        }
        let world = world.reopen().await;
        use_inboxes(&world, seed * 100 + 99, 20).await;
        world.check().await;
    }
}

#[tokio::test]
async fn many_items_for_many_people_go_in_at_once() {
    let world = World::new().await;
    let (ids, limits) = (IdGenerator::new(1), InboxLimits::default().with_cap(5));
    let mut next: BTreeMap<String, u64> = BTreeMap::new();
    for _ in 0..3 {
        let whose = |n: usize| format!("p{}", n % 90 * (n % 2));
        let items: Vec<_> = (0..700).map(|n| item(&ids, &whose(n), NOW)).collect();
        let sequences = world
            .store
            .push(&world.tenant, &items, &limits)
            .await
            .expect("is stored");
        for (item, sequence) in items.iter().zip(sequences) {
            let last = next.entry(item.recipient.to_string()).or_default();
            *last += 1;
            assert_eq!(sequence, *last, "{}", item.recipient);
        }
        world.check().await;
    }
    for (whose, last) in next {
        let page = world
            .store
            .page(&world.tenant, &whose.as_str().into(), None, 100, true)
            .await;
        let found: Vec<_> = page
            .expect("reads")
            .iter()
            .map(|item| item.sequence)
            .collect();
        let expected: Vec<_> = (1..=last).rev().take(5).collect();
        assert_eq!(found, expected, "{whose}");
    }
}

#[tokio::test]
async fn one_delivery_in_two_inboxes_is_two_items() {
    let world = World::new().await;
    let (ids, limits) = (IdGenerator::new(1), InboxLimits::default());
    let first = item(&ids, "ada", NOW);
    let mut second = first.clone();
    second.recipient = "bob".into();
    let items = [first, second];
    for tenant in ["acme", "globex", "acme"] {
        let pushed = world.store.push(&tenant.into(), &items, &limits).await;
        assert_eq!(pushed.expect("is stored"), [1, 1]);
    }
    assert_eq!(world.number("SELECT count(*) FROM notify_inbox").await, 4);
    let acme = world
        .store
        .mark(&"acme".into(), &"ada".into(), &[1], Mark::Read, NOW)
        .await;
    assert_eq!(acme.expect("is marked").unread, 0);
    let other = world
        .store
        .page(&"globex".into(), &"ada".into(), None, 9, true)
        .await;
    assert_eq!(other.expect("reads")[0].status, InboxStatus::Unread);
}
