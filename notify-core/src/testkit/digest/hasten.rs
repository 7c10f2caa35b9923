//! Clauses: what gathers is read, sealed, and made to leave.

use super::{
    KEY, MANY, OTHER, WINDOW, bucket, cancel, end_of_window, find, gathered, is_open, jobs,
    lease_of, left, of_ada, room, seal, several,
};
use crate::digest::{BucketId, BucketKey};
use crate::id::{DeliveryId, TenantId};
use crate::queue::{Advance, Next, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, SECOND, TTL, World};

async fn flush(world: &World, first: DeliveryId) -> u64 {
    let ids = [BucketId::opened_by(first)];
    let flushed = room(world).flush(&world.tenant, &ids, world.now()).await;
    flushed.expect("flush")
}

async fn recheck(world: &World, first: DeliveryId) -> u64 {
    let ids = [BucketId::opened_by(first)];
    let asked = room(world).recheck(&world.tenant, &ids, world.now()).await;
    asked.expect("recheck")
}

pub(super) async fn buckets_are_read_with_those_that_wait_in_order(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let own = several(&world, 3).await;
    world.pass(SECOND);
    let other = gathered(&world, OTHER, MANY).await;
    cancel(&world, own[1]).await;
    let found = of_ada(&world).await;
    let members: Vec<_> = found.iter().map(|one| one.members.clone()).collect();
    assert_eq!(members, [vec![own[0], own[2]], vec![other]]);
    assert_eq!(found[0], bucket(&world, own[0]).await);
    let unknown = BucketId::opened_by(own[1]);
    assert!(find(&world, unknown).await.is_none());
    let (room, nothing) = (room(&world), BucketKey::from_bytes([9; 32]));
    let open = room.are_open(&world.tenant, &[OTHER, nothing, KEY]).await;
    assert_eq!(open.expect("are_open"), [true, false, true]);
}

pub(super) async fn buckets_of_others_are_not_there(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    let (globex, bucket) = (TenantId::new("globex"), BucketId::opened_by(id));
    let (room, now) = (room(&world), world.now());
    assert!(
        room.bucket(&globex, bucket)
            .await
            .expect("bucket")
            .is_none()
    );
    let of = room.buckets_of(&globex, &ADA).await.expect("buckets_of");
    assert!(of.is_empty());
    let of = room.buckets_of(&world.tenant, &"bob".into()).await;
    assert!(of.expect("buckets_of").is_empty());
    assert_eq!(
        room.are_open(&globex, &[KEY]).await.expect("are_open"),
        [false]
    );
    assert!(!room.seal(&globex, bucket).await.expect("seal"));
    assert_eq!(room.flush(&globex, &[bucket], now).await.expect("flush"), 0);
    let asked = room.recheck(&globex, &[bucket], now).await;
    assert_eq!(asked.expect("recheck"), 0);
    assert!(is_open(&world, KEY).await);
    assert!(jobs(&world).await.is_empty());
}

pub(super) async fn seal_lets_nothing_more_join_and_keeps_the_time(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    assert!(seal(&world, id).await);
    assert!(!seal(&world, id).await, "it was");
    assert!(!bucket(&world, id).await.is_open);
    let next = gathered(&world, KEY, MANY).await;
    assert_eq!(bucket(&world, id).await.members, [id]);
    assert_eq!(bucket(&world, next).await.members, [next]);
    assert!(!seal(&world, id).await);
    assert!(is_open(&world, KEY).await, "the next one");
    world.pass(WINDOW - SECOND);
    assert!(jobs(&world).await.is_empty());
    world.pass(SECOND);
    assert_eq!(jobs(&world).await.len(), 2);
}

pub(super) async fn flush_seals_and_makes_due(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    assert_eq!(flush(&world, id).await, 1);
    assert!(!is_open(&world, KEY).await);
    let lease = lease_of(&world, id).await;
    left(&world, &lease, &[id]).await;
    assert_eq!(flush(&world, id).await, 0, "it is gone");
}

pub(super) async fn recheck_makes_due_and_leaves_open(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    assert_eq!(recheck(&world, id).await, 1);
    assert!(is_open(&world, KEY).await);
    lease_of(&world, id).await;
}

pub(super) async fn whoever_has_the_job_is_fenced(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    end_of_window(&world);
    let mut lease = lease_of(&world, id).await;
    for flushes in [false, true] {
        let asked = if flushes {
            flush(&world, id).await
        } else {
            recheck(&world, id).await
        };
        assert_eq!(asked, 1);
        let done = Advance::new(lease.job, lease.epoch, Next::Done);
        let answers = world.store.advance(&[done]).await.expect("advance");
        assert_eq!(answers, [Settled::Fenced]);
        let again = lease_of(&world, id).await;
        assert!(again.epoch > lease.epoch);
        lease = again;
    }
    left(&world, &lease, &[id]).await;
}

pub(super) async fn a_job_that_killed_its_owners_is_tried_again(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    end_of_window(&world);
    for _ in 0..3 {
        lease_of(&world, id).await;
        world.pass(TTL + SECOND);
        world
            .store
            .reclaim(&[], world.now())
            .await
            .expect("reclaim");
    }
    assert!(jobs(&world).await.is_empty(), "set aside");
    assert_eq!(flush(&world, id).await, 1);
    let lease = lease_of(&world, id).await;
    assert_eq!(lease.crashes, 0);
    left(&world, &lease, &[id]).await;
}
