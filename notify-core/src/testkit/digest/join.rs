//! Clauses: what joins, and what it opens.

use std::sync::Arc;

use super::{
    KEY, MANY, OTHER, WINDOW, bucket, end_of_window, event, flushed, gathered, gathers, is_open,
    job, jobs, joining, lease_of, of_ada, room, seal, several,
};
use crate::delivery::{DeliveryState, EventKind, Reason};
use crate::digest::{BucketId, BucketKey};
use crate::id::{DeliveryId, TenantId};
use crate::queue::{Acceptance, Accepted, Advance, Next, Premise};
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, HOUR, MINUTE, SECOND, World, at_once, key, request_hash};

const WAITS: (DeliveryState, Option<Reason>) = (DeliveryState::Held, Some(Reason::Digest));

const fn open(key: BucketKey, open: bool) -> Premise {
    Premise::Bucket { key, open }
}

/// A delivery that goes at once, and begins what others gather in, if nothing gathers yet.
fn first(world: &World) -> (Acceptance, DeliveryId) {
    let (mut item, id) = world.one();
    item.deliveries[0].digest = Some(joining(world, KEY, MANY));
    item.premises = vec![open(KEY, false)];
    (item, id)
}

pub(super) async fn what_gathers_is_held_without_a_job_of_its_own(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = gathered(&world, KEY, MANY).await;
    assert_eq!(world.state(id).await, WAITS);
    let kinds = [EventKind::Accepted, EventKind::Held];
    assert_eq!(world.kinds(id).await, kinds);
    let timeline = world.timeline(id).await;
    assert_eq!(timeline[1].reason, Some(Reason::Digest));
    end_of_window(&world);
    assert!(world.claimed().await.is_empty());
    assert_eq!(world.state(id).await, WAITS);
}

pub(super) async fn the_first_opens_a_bucket_with_one_job_and_the_others_join_it(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let opened_at = world.now();
    let one = gathered(&world, KEY, MANY).await;
    world.pass(MINUTE);
    let (two, three) = (event(&world), event(&world));
    let ids = vec![one, two.1, three.1];
    let answers = world.accept_all(vec![two.0, three.0]).await;
    assert_eq!(answers, [Accepted::New, Accepted::New]);
    let found = bucket(&world, one).await;
    assert_eq!((found.key, found.is_open), (KEY, true));
    assert_eq!((&found.recipient, found.opened_at), (&ADA, opened_at));
    assert_eq!(found.category.as_str(), "orders");
    assert_eq!(found.members, ids);
    world.pass(WINDOW - MINUTE - SECOND);
    assert!(jobs(&world).await.is_empty(), "not before its time");
    world.pass(SECOND);
    let lease = lease_of(&world, one).await;
    assert_eq!(lease.tenant, world.tenant);
}

pub(super) async fn what_only_begins_takes_its_own_course(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (item, id) = first(&world);
    world.stored(item).await;
    assert_eq!(world.state(id).await, (DeliveryState::Queued, None));
    assert!(bucket(&world, id).await.members.is_empty());
    let second = gathered(&world, KEY, MANY).await;
    assert_eq!(bucket(&world, id).await.members, [second]);
    assert_eq!(world.claimed().await, [id]);
    end_of_window(&world);
    lease_of(&world, id).await;
}

pub(super) async fn keys_and_tenants_gather_apart(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let own = gathered(&world, KEY, MANY).await;
    let other = gathered(&world, OTHER, MANY).await;
    let (mut item, theirs) = event(&world);
    item.tenant = TenantId::new("globex");
    world.stored(item).await;
    assert_eq!(bucket(&world, own).await.members, [own]);
    assert_eq!(bucket(&world, other).await.members, [other]);
    let room = room(&world);
    let id = BucketId::opened_by(theirs);
    let globex = TenantId::new("globex");
    let found = room.bucket(&globex, id).await.expect("bucket");
    assert_eq!(found.map(|bucket| bucket.members), Some(vec![theirs]));
    end_of_window(&world);
    assert_eq!(jobs(&world).await.len(), 3);
}

pub(super) async fn one_bucket_is_open_however_many_join_at_once(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    let joined = at_once(32, |_| {
        let world = Arc::clone(&world);
        async move { several(&world, 8).await }
    });
    let mut joined: Vec<_> = joined.await.into_iter().flatten().collect();
    let found = of_ada(&world).await;
    assert_eq!(found.len(), 1, "one bucket");
    let mut members = found[0].members.clone();
    members.sort_unstable();
    joined.sort_unstable();
    assert_eq!(members, joined);
    end_of_window(&world);
    assert_eq!(jobs(&world).await.len(), 1, "one job");
}

pub(super) async fn one_of_many_is_first_where_the_others_wait(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    let sent = at_once(32, |_| {
        let world = Arc::clone(&world);
        async move {
            let (item, _) = first(&world);
            if world.accept(item).await == Accepted::New {
                return true;
            }
            let (mut item, _) = event(&world);
            item.premises = vec![open(KEY, true)];
            assert_eq!(world.accept(item).await, Accepted::New);
            false
        }
    });
    let sent = sent.await.into_iter().filter(|sent| *sent).count();
    assert_eq!(sent, 1);
    assert_eq!(of_ada(&world).await[0].members.len(), 31);
}

pub(super) async fn a_full_bucket_takes_no_more_and_is_due(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    // In one batch, too: the third of them finds it full.
    let deliveries: Vec<_> = (0..5).map(|_| gathers(&world, KEY, 2)).collect();
    let ids: Vec<_> = deliveries.iter().map(|delivery| delivery.id).collect();
    let items = deliveries.into_iter().map(|one| world.item(vec![one]));
    let answers = world.accept_all(items.collect()).await;
    assert!(answers.iter().all(|answer| *answer == Accepted::New));
    for pair in [&ids[..2], &ids[2..4]] {
        let full = bucket(&world, pair[0]).await;
        assert_eq!((full.members, full.is_open), (pair.to_vec(), false));
    }
    assert!(bucket(&world, ids[4]).await.is_open);
    let mut due: Vec<_> = jobs(&world).await.iter().map(|one| one.job).collect();
    due.sort_unstable();
    assert_eq!(due, [job(ids[0]), job(ids[2])]);
}

pub(super) async fn a_full_bucket_fences_whoever_was_looking_at_it(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let one = gathered(&world, KEY, 2).await;
    end_of_window(&world);
    let lease = lease_of(&world, one).await;
    gathered(&world, KEY, 2).await;
    let due = world.now() + HOUR;
    let later = Next::Again {
        due,
        cursor: Vec::new(),
    };
    let advance = Advance::new(lease.job, lease.epoch, later);
    let answers = world.store.advance(&[advance]).await.expect("advance");
    assert_eq!(answers, [crate::queue::Settled::Fenced]);
    lease_of(&world, one).await;
}

pub(super) async fn the_premise_bucket_says_whether_one_is_open(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let holds = async |premise: Premise| {
        let (item, _) = world.provided(vec![premise.clone()]);
        match world.accept(item).await {
            Accepted::New => true,
            answer => {
                assert_eq!(answer, Accepted::Stale(premise));
                false
            }
        }
    };
    assert!(holds(open(KEY, false)).await && !holds(open(KEY, true)).await);
    let id = gathered(&world, KEY, MANY).await;
    assert!(holds(open(KEY, true)).await && !holds(open(KEY, false)).await);
    assert!(holds(open(OTHER, false)).await);
    assert_eq!(
        (is_open(&world, KEY).await, is_open(&world, OTHER).await),
        (true, false)
    );
    assert!(seal(&world, id).await);
    assert!(holds(open(KEY, false)).await && !holds(open(KEY, true)).await);
    // Of two firsts in one batch the second finds the first.
    let (one, two) = (first(&world).0, first(&world).0);
    let answers = world.accept_all(vec![one, two]).await;
    assert_eq!(answers, [Accepted::New, Accepted::Stale(open(KEY, false))]);
}

pub(super) async fn what_is_not_stored_joins_nothing(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let over = Premise::NotExpired { at: world.now() };
    let (mut stale, _) = event(&world);
    stale.premises = vec![over.clone()];
    assert_eq!(world.accept(stale).await, Accepted::Stale(over));
    assert!(of_ada(&world).await.is_empty());
    let keyed = || {
        let (mut item, id) = event(&world);
        (item.key, item.request_hash) = (Some(key(1)), request_hash(1));
        (item, id)
    };
    let (item, id) = keyed();
    let notification = item.id;
    world.stored(item).await;
    let again = world.accept(keyed().0).await;
    assert_eq!(again, Accepted::Duplicate(notification));
    assert_eq!(of_ada(&world).await[0].members, [id]);
}

pub(super) async fn what_gathered_survives_a_crash(harness: &dyn StoreHarness) {
    if !harness.durable() {
        return;
    }
    let world = World::open(harness).await;
    let ids = several(&world, 3).await;
    let world = world.reopen(harness).await;
    assert_eq!(bucket(&world, ids[0]).await.members, ids);
    let late = gathered(&world, KEY, MANY).await;
    assert_eq!(bucket(&world, ids[0]).await.members.last(), Some(&late));
    end_of_window(&world);
    let lease = lease_of(&world, ids[0]).await;
    let (_, members) = flushed(&world, &lease).await;
    assert_eq!(members.len(), 4);
}
