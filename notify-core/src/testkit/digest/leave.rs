//! Clauses: how members leave.

use std::sync::Arc;

use super::{
    KEY, MANY, WINDOW, bucket, cancel, end_of_window, find, flushed, gathered, gathers, is_open,
    jobs, lease_of, leaving, left, of_ada, seal, several,
};
use crate::delivery::{DeliveryState, EventKind, Reason};
use crate::digest::BucketId;
use crate::id::DeliveryId;
use crate::queue::{Accepted, Advance, Flush, Lease, Next, Premise};
use crate::recipient::Recipient;
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, SECOND, World, both};

const STALE: Accepted = Accepted::Stale(Premise::Bucket {
    key: KEY,
    open: false,
});

/// A bucket of so many whose time has come, and its job.
async fn due(world: &World, count: usize) -> (Vec<DeliveryId>, Lease) {
    let ids = several(world, count).await;
    end_of_window(world);
    let lease = lease_of(world, ids[0]).await;
    (ids, lease)
}

pub(super) async fn members_leave_in_the_commit_of_their_digest(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 3).await;
    let digest = left(&world, &lease, &ids).await;
    for id in &ids {
        let member = world.read(*id).await;
        assert_eq!((member.state, member.reason), (DeliveryState::Merged, None));
        assert_eq!(member.merged_into, Some(digest));
        let kinds = [EventKind::Accepted, EventKind::Held, EventKind::Merged];
        assert_eq!(world.kinds(*id).await, kinds);
        let timeline = world.timeline(*id).await;
        assert_eq!(timeline[2].at, world.now());
    }
    assert_eq!(world.read(digest).await.merged_into, None);
    assert_eq!(world.claimed().await, [digest], "one message");
    assert!(find(&world, BucketId::opened_by(ids[0])).await.is_none());
    assert!(of_ada(&world).await.is_empty());
    assert!(!is_open(&world, KEY).await);
    world.pass(WINDOW);
    assert!(jobs(&world).await.is_empty(), "its job is done");
    let next = gathered(&world, KEY, MANY).await;
    assert_eq!(bucket(&world, next).await.members, [next]);
    let history = world.store.history(&world.tenant, &ADA, None, 10).await;
    let history = history.expect("history");
    let merged = history.iter().filter(|one| one.merged_into == Some(digest));
    assert_eq!(merged.count(), 3);
}

pub(super) async fn those_that_are_released_can_be_claimed(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 1).await;
    let mut item = world.item(Vec::new());
    let mut flush = Flush::new(BucketId::opened_by(ids[0]), KEY);
    flush.released.clone_from(&ids);
    item.flush = Some(flush);
    item.advance = Some(Advance::new(lease.job, lease.epoch, Next::Done));
    world.stored(item).await;
    assert_eq!(world.state(ids[0]).await, (DeliveryState::Queued, None));
    let member = world.read(ids[0]).await;
    assert_eq!((member.due_at, member.merged_into), (world.now(), None));
    let kinds = [EventKind::Accepted, EventKind::Held, EventKind::Queued];
    assert_eq!(world.kinds(ids[0]).await, kinds);
    let lease = world.lease(ids[0]).await;
    world.begin(&lease).await;
    world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(world.state(ids[0]).await.0, DeliveryState::Sent);
}

pub(super) async fn those_that_are_not_to_be_sent_end_with_their_reason(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 4).await;
    let (mut item, digest) = leaving(&world, &lease, &ids[..2]);
    if let Some(flush) = &mut item.flush {
        flush.ended = vec![(ids[2], Reason::OptedOut), (ids[3], Reason::Expired)];
    }
    world.stored(item).await;
    let ended = [
        (DeliveryState::Suppressed, Some(Reason::OptedOut)),
        (DeliveryState::Expired, Some(Reason::Expired)),
    ];
    for (id, end) in ids[2..].iter().zip(ended) {
        assert_eq!(world.state(*id).await, end);
        assert_eq!(world.read(*id).await.merged_into, None);
        let last = world.timeline(*id).await.pop().expect("an entry");
        assert_eq!((last.kind.as_str(), last.reason), (end.0.as_str(), end.1));
    }
    assert_eq!(world.read(ids[1]).await.merged_into, Some(digest));
}

pub(super) async fn an_empty_bucket_is_gone_without_a_notification(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 1).await;
    cancel(&world, ids[0]).await;
    let mut item = world.item(Vec::new());
    let notification = item.id;
    item.flush = Some(Flush::new(BucketId::opened_by(ids[0]), KEY));
    item.advance = Some(Advance::new(lease.job, lease.epoch, Next::Done));
    world.stored(item).await;
    assert!(of_ada(&world).await.is_empty());
    assert_eq!(world.state(ids[0]).await.0, DeliveryState::Cancelled);
    let stored = world.store.of_notification(&world.tenant, notification);
    assert!(stored.await.expect("read").is_empty());
}

pub(super) async fn a_flush_that_does_not_name_all_that_wait_is_stale(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (mut ids, lease) = due(&world, 2).await;
    let (item, digest) = leaving(&world, &lease, &ids);
    ids.push(gathered(&world, KEY, MANY).await);
    assert_eq!(world.accept(item).await, STALE);
    assert!(world.find(digest).await.is_none());
    for id in &ids {
        assert_eq!(world.state(*id).await.0, DeliveryState::Held);
    }
    assert_eq!(bucket(&world, ids[0]).await.members, ids);
    left(&world, &lease, &ids).await;
    assert_eq!(world.state(ids[2]).await.0, DeliveryState::Merged);
}

pub(super) async fn a_flush_that_names_what_was_taken_back_is_stale(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 3).await;
    assert_eq!(bucket(&world, ids[0]).await.members, ids);
    let (item, _) = leaving(&world, &lease, &ids);
    cancel(&world, ids[1]).await;
    assert_eq!(world.accept(item).await, STALE);
    let waiting = [ids[0], ids[2]];
    assert_eq!(bucket(&world, ids[0]).await.members, waiting);
    left(&world, &lease, &waiting).await;
    assert_eq!(world.state(ids[1]).await.0, DeliveryState::Cancelled);
    assert_eq!(world.read(ids[1]).await.merged_into, None);
}

pub(super) async fn a_flush_of_a_lost_lease_is_fenced_and_changes_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 2).await;
    let (item, digest) = leaving(&world, &lease, &ids);
    world.pass(crate::testkit::world::TTL + SECOND);
    let taken = world.store.reclaim(&[], world.now()).await;
    assert_eq!(taken.expect("reclaim"), 1);
    assert_eq!(world.accept(item).await, Accepted::Fenced);
    assert!(world.find(digest).await.is_none());
    let again = lease_of(&world, ids[0]).await;
    left(&world, &again, &ids).await;
    // The one who lost it finds it gone.
    let (item, _) = leaving(&world, &lease, &ids);
    assert_eq!(world.accept(item).await, Accepted::Fenced);
}

pub(super) async fn what_joins_after_it_was_sealed_is_in_the_next(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 2).await;
    assert!(seal(&world, ids[0]).await);
    let late = gathered(&world, KEY, MANY).await;
    left(&world, &lease, &ids).await;
    assert_eq!(bucket(&world, late).await.members, [late]);
    assert!(is_open(&world, KEY).await);
    end_of_window(&world);
    let lease = lease_of(&world, late).await;
    left(&world, &lease, &[late]).await;
}

pub(super) async fn of_a_flush_and_a_join_at_once_nothing_is_lost(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    for _ in 0..8 {
        let (ids, lease) = due(&world, 4).await;
        let (joins, leaves) = (Arc::clone(&world), Arc::clone(&world));
        let (joined, (digest, merged)) =
            both(async move { several(&joins, 4).await }, async move {
                flushed(&leaves, &lease).await
            })
            .await;
        let rest: Vec<_> = of_ada(&world)
            .await
            .into_iter()
            .flat_map(|one| one.members)
            .collect();
        let mut all: Vec<_> = merged.iter().chain(&rest).copied().collect();
        all.sort_unstable();
        let mut sent: Vec<_> = ids.iter().chain(&joined).copied().collect();
        sent.sort_unstable();
        assert_eq!(all, sent, "each is in one of both, and once");
        for id in merged {
            assert_eq!(world.read(id).await.merged_into, Some(digest));
        }
        end_of_window(&world);
        for lease in jobs(&world).await {
            flushed(&world, &lease).await;
        }
    }
}

pub(super) async fn a_recipient_of_the_call_is_erased_with_the_merge(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut delivery = gathers(&world, KEY, MANY);
    let id = delivery.id;
    delivery.pinned = Some(Arc::new(Recipient::new(ADA)));
    world.stored(world.item(vec![delivery])).await;
    assert!(world.read(id).await.pinned.is_some());
    end_of_window(&world);
    let lease = lease_of(&world, id).await;
    left(&world, &lease, &[id]).await;
    assert!(world.read(id).await.pinned.is_none());
}

pub(super) async fn what_left_survives_a_crash(harness: &dyn StoreHarness) {
    if !harness.durable() {
        return;
    }
    let world = World::open(harness).await;
    let (ids, lease) = due(&world, 3).await;
    let digest = left(&world, &lease, &ids).await;
    let world = world.reopen(harness).await;
    for id in &ids {
        assert_eq!(world.read(*id).await.merged_into, Some(digest));
    }
    assert!(jobs(&world).await.is_empty());
    assert_eq!(world.claimed().await, [digest]);
}
