//! The contract of [`DigestStore`], clause by clause.

mod hasten;
mod join;
mod leave;

use std::sync::Arc;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Decision, Reason};
use crate::digest::{Bucket, BucketId, BucketKey, DigestStore};
use crate::id::{CategoryId, DeliveryId};
use crate::queue::{
    Acceptance, Accepted, Advance, CancelOutcome, Flush, Job, JobKind, Joining, Lease, NewDelivery,
    NewJob, Next,
};
use crate::testkit::world::{ADA, HOUR, World};
use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// Makes a test of each clause of [`DigestStore`](crate::digest::DigestStore). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness), once for each test.
    macro $ digest_tests for digest: dyn StoreHarness {
        join {
            what_gathers_is_held_without_a_job_of_its_own,
            the_first_opens_a_bucket_with_one_job_and_the_others_join_it,
            what_only_begins_takes_its_own_course,
            keys_and_tenants_gather_apart,
            one_bucket_is_open_however_many_join_at_once,
            one_of_many_is_first_where_the_others_wait,
            a_full_bucket_takes_no_more_and_is_due,
            a_full_bucket_fences_whoever_was_looking_at_it,
            the_premise_bucket_says_whether_one_is_open,
            what_is_not_stored_joins_nothing,
            what_gathered_survives_a_crash,
        }
        leave {
            members_leave_in_the_commit_of_their_digest,
            those_that_are_released_can_be_claimed,
            those_that_are_not_to_be_sent_end_with_their_reason,
            an_empty_bucket_is_gone_without_a_notification,
            a_flush_that_does_not_name_all_that_wait_is_stale,
            a_flush_that_names_what_was_taken_back_is_stale,
            a_flush_of_a_lost_lease_is_fenced_and_changes_nothing,
            what_joins_after_it_was_sealed_is_in_the_next,
            of_a_flush_and_a_join_at_once_nothing_is_lost,
            a_recipient_of_the_call_is_erased_with_the_merge,
            what_left_survives_a_crash,
        }
        hasten {
            buckets_are_read_with_those_that_wait_in_order,
            buckets_of_others_are_not_there,
            seal_lets_nothing_more_join_and_keeps_the_time,
            flush_seals_and_makes_due,
            recheck_makes_due_and_leaves_open,
            whoever_has_the_job_is_fenced,
            a_job_that_killed_its_owners_is_tried_again,
        }
    }
}

fn room(world: &World) -> Arc<dyn DigestStore> {
    let room = Arc::clone(&world.store).digests();
    room.expect("a store with this suite keeps digests")
}

const KEY: BucketKey = BucketKey::from_bytes([7; 32]);
const OTHER: BucketKey = BucketKey::from_bytes([8; 32]);
/// What never gets full here.
const MANY: u32 = 10_000;
/// How long a window is.
const WINDOW: Duration = HOUR;

fn joining(world: &World, key: BucketKey, max_items: u32) -> Joining {
    let category = CategoryId::new("orders");
    Joining::new(key, category, world.now() + WINDOW, max_items)
}

/// A delivery that gathers.
fn gathers(world: &World, key: BucketKey, max_items: u32) -> NewDelivery {
    let mut delivery = world.delivery();
    let until = world.now() + WINDOW;
    (delivery.due, delivery.decision) = (until, Decision::Digest { until });
    delivery.digest = Some(joining(world, key, max_items));
    delivery
}

/// A notification of one delivery that gathers.
fn event(world: &World) -> (Acceptance, DeliveryId) {
    let delivery = gathers(world, KEY, MANY);
    let id = delivery.id;
    (world.item(vec![delivery]), id)
}

/// Stores one delivery that gathers under this key.
async fn gathered(world: &World, key: BucketKey, max_items: u32) -> DeliveryId {
    let delivery = gathers(world, key, max_items);
    let id = delivery.id;
    world.stored(world.item(vec![delivery])).await;
    id
}

/// Stores so many that gather together.
async fn several(world: &World, count: usize) -> Vec<DeliveryId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        ids.push(gathered(world, KEY, MANY).await);
    }
    ids
}

async fn find(world: &World, id: BucketId) -> Option<Bucket> {
    let found = room(world).bucket(&world.tenant, id).await;
    found.expect("bucket")
}

async fn bucket(world: &World, first: DeliveryId) -> Bucket {
    let found = find(world, BucketId::opened_by(first)).await;
    found.expect("the bucket is there")
}

async fn is_open(world: &World, key: BucketKey) -> bool {
    let open = room(world).are_open(&world.tenant, &[key]).await;
    open.expect("are_open")[0]
}

/// Seals the bucket that this delivery opened.
async fn seal(world: &World, first: DeliveryId) -> bool {
    let (room, id) = (room(world), BucketId::opened_by(first));
    room.seal(&world.tenant, id).await.expect("seal")
}

/// Takes a delivery back.
async fn cancel(world: &World, id: DeliveryId) {
    let (reason, actor) = (Reason::Cancelled, Actor::Application);
    let (ids, now) = ([id], world.now());
    let cancelled = world.store.cancel(&world.tenant, &ids, reason, &actor, now);
    let cancelled = cancelled.await.expect("cancel");
    assert_eq!(cancelled, [CancelOutcome::Cancelled]);
}

/// Everything that gathers for Ada.
async fn of_ada(world: &World) -> Vec<Bucket> {
    let found = room(world).buckets_of(&world.tenant, &ADA).await;
    found.expect("buckets_of")
}

const fn job(first: DeliveryId) -> Job {
    let id = BucketId::opened_by(first);
    Job::new(JobKind::FlushDigest, id.as_u128())
}

/// The jobs of buckets that are due.
async fn jobs(world: &World) -> Vec<Lease> {
    world.claim_lane(NewJob::CHANNEL, 100).await
}

/// The job of the bucket that this delivery opened, lent to this worker once its time came.
async fn lease_of(world: &World, first: DeliveryId) -> Lease {
    let mut leases = jobs(world).await;
    assert_eq!(leases.len(), 1, "one job is due");
    let lease = leases.remove(0);
    assert_eq!(lease.job, job(first));
    lease
}

/// A notification with one delivery, in which these leave; and the delivery.
fn leaving(world: &World, lease: &Lease, merged: &[DeliveryId]) -> (Acceptance, DeliveryId) {
    let (mut item, id) = world.one();
    let mut flush = Flush::new(BucketId::from_u128(lease.job.subject), KEY);
    flush.merged = merged.to_vec();
    item.flush = Some(flush);
    item.advance = Some(Advance::new(lease.job, lease.epoch, Next::Done));
    (item, id)
}

/// Lets these leave as one, and nothing else.
async fn left(world: &World, lease: &Lease, merged: &[DeliveryId]) -> DeliveryId {
    let (item, id) = leaving(world, lease, merged);
    world.stored(item).await;
    id
}

/// Lets what gathers leave, as a worker does: seals, reads, and merges what it read, again where that changed meanwhile.
async fn flushed(world: &World, lease: &Lease) -> (DeliveryId, Vec<DeliveryId>) {
    let id = BucketId::from_u128(lease.job.subject);
    let _ = room(world).seal(&world.tenant, id).await.expect("seal");
    loop {
        let bucket = find(world, id).await.expect("the bucket is there");
        let (item, digest) = leaving(world, lease, &bucket.members);
        match world.accept(item).await {
            Accepted::New => return (digest, bucket.members),
            Accepted::Stale(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Lets the window of what was gathered now end.
fn end_of_window(world: &World) -> Timestamp {
    world.pass(WINDOW)
}
