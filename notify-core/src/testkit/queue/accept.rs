//! Clauses: what `accept` stores.

use crate::delivery::{Decision, DeliveryState, EventKind, Reason};
use crate::notification::Priority;
use crate::queue::{
    Accepted, Advance, Job, JobKind, LaneClaim, Lease, NewJob, Next, Premise, Release, Settled,
};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, SECOND, World, key, request_hash};

/// A job of a kind that this version does not know.
const UNKNOWN: Job = Job::new(JobKind::Other(200), 7);

fn again(world: &World, lease: &Lease, cursor: &[u8]) -> Advance {
    let next = Next::Again {
        due: world.now(),
        cursor: cursor.to_vec(),
    };
    Advance::new(lease.job, lease.epoch, next)
}

pub(super) async fn what_was_accepted_is_there_after_a_crash(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (item, queued) = world.keyed(key(1), request_hash(1));
    let notification = item.id;
    world.stored(item).await;
    let mut suppressed = world.delivery();
    let suppressed_id = suppressed.id;
    suppressed.decision = Decision::Suppress {
        reason: Reason::OptedOut,
    };
    world.stored(world.item(vec![suppressed])).await;

    let world = world.reopen(harness).await;
    let (repeated, _) = world.keyed(key(1), request_hash(1));
    if harness.durable() {
        let state = world.state(suppressed_id).await;
        assert_eq!(state, (DeliveryState::Suppressed, Some(Reason::OptedOut)));
        assert_eq!(
            world.accept(repeated).await,
            Accepted::Duplicate(notification)
        );
        assert_eq!(world.claimed().await, [queued]);
    } else {
        assert!(
            world.find(queued).await.is_none(),
            "a store that forgets forgets everything"
        );
        assert!(world.find(suppressed_id).await.is_none());
        assert_eq!(world.accept(repeated).await, Accepted::New);
    }
}

pub(super) async fn the_refusal_of_one_item_leaves_its_neighbours_alone(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (taken, _) = world.keyed(key(1), request_hash(1));
    let taken_id = taken.id;
    world.stored(taken).await;
    assert_eq!(world.claimed().await.len(), 1);

    let over = Premise::NotExpired { at: world.now() };
    let (first, first_id) = world.one();
    let (duplicate, duplicate_id) = world.keyed(key(1), request_hash(1));
    let (conflict, conflict_id) = world.keyed(key(1), request_hash(2));
    let (stale, stale_id) = world.provided(vec![over.clone()]);
    let (mut fenced, fenced_id) = world.one();
    fenced.advance = Some(Advance::new(UNKNOWN, 1, Next::Done));
    let (last, last_id) = world.keyed(key(2), request_hash(2));
    let answers = world
        .accept_all(vec![first, duplicate, conflict, stale, fenced, last])
        .await;
    let expected = [
        Accepted::New,
        Accepted::Duplicate(taken_id),
        Accepted::Conflict,
        Accepted::Stale(over),
        Accepted::Fenced,
        Accepted::New,
    ];
    assert_eq!(answers, expected);
    for refused in [duplicate_id, conflict_id, stale_id, fenced_id] {
        assert!(
            world.find(refused).await.is_none(),
            "nothing of a refused item is stored"
        );
    }
    assert_eq!(world.claimed().await, [first_id, last_id]);
}

pub(super) async fn what_is_to_be_sent_can_be_claimed_from_its_due_time_on(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let mut later = world.delivery();
    let id = later.id;
    later.due = world.now() + MINUTE;
    world.stored(world.item(vec![later])).await;
    assert_eq!(world.state(id).await, (DeliveryState::Queued, None));
    world.pass(MINUTE - SECOND);
    assert!(world.claimed().await.is_empty());
    world.pass(SECOND);
    assert_eq!(world.claimed().await, [id]);
}

pub(super) async fn what_is_held_can_be_claimed_from_its_due_time_on(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut held = world.delivery();
    let (id, until) = (held.id, world.now() + HOUR);
    held.due = until;
    held.decision = Decision::Hold {
        until,
        reason: Reason::QuietHours,
    };
    world.stored(world.item(vec![held])).await;
    assert_eq!(
        world.state(id).await,
        (DeliveryState::Held, Some(Reason::QuietHours))
    );
    assert_eq!(world.read(id).await.due_at, until);
    assert!(world.claimed().await.is_empty());
    world.pass(HOUR);
    assert_eq!(world.claimed().await, [id]);
}

pub(super) async fn what_is_suppressed_ends_at_once_with_its_reason(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut suppressed = world.delivery();
    let id = suppressed.id;
    suppressed.decision = Decision::Suppress {
        reason: Reason::NoConsent,
    };
    world.stored(world.item(vec![suppressed])).await;
    assert_eq!(
        world.state(id).await,
        (DeliveryState::Suppressed, Some(Reason::NoConsent))
    );
    assert_eq!(
        world.kinds(id).await,
        [EventKind::Accepted, EventKind::Suppressed]
    );
    world.pass(HOUR);
    assert!(world.claimed().await.is_empty());
}

pub(super) async fn a_job_of_an_unknown_kind_is_kept_with_its_payload(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut item = world.item(Vec::new());
    item.priority = Priority::High;
    item.jobs
        .push(NewJob::new(UNKNOWN, world.now(), b"cursor".to_vec()));
    world.stored(item).await;
    assert!(
        world.claim_lane(NewJob::CHANNEL, 9).await.is_empty(),
        "not in another lane"
    );
    let lane = LaneClaim {
        priority: Priority::High,
        channel: NewJob::CHANNEL,
        limit: 9,
    };
    for epoch in 1..=3 {
        let claim = world.claim_of(world.owner, vec![lane.clone()]);
        let leases = world.store.claim(&claim).await.expect("claim");
        let [lease] = &leases[..] else {
            panic!("one job, not {}", leases.len());
        };
        assert_eq!(
            (lease.job, lease.epoch, lease.payload.as_slice()),
            (UNKNOWN, epoch, &b"cursor"[..])
        );
        assert_eq!(lease.tenant, world.tenant);
        let due = world.now() + MINUTE;
        let released = world
            .store
            .release(&[Release { lease, due }])
            .await
            .expect("release");
        assert_eq!(released, [Settled::Applied]);
        world.pass(MINUTE);
    }
}

pub(super) async fn a_job_that_is_there_already_stays_as_it_is(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    let mut item = world.item(Vec::new());
    item.jobs
        .push(NewJob::new(UNKNOWN, world.now(), b"other".to_vec()));
    world.stored(item).await;
    assert!(
        world.claim_lane(NewJob::CHANNEL, 9).await.is_empty(),
        "it is lent"
    );
    let release = Release {
        lease: &lease,
        due: world.now(),
    };
    world.store.release(&[release]).await.expect("release");
    let leases = world.claim_lane(NewJob::CHANNEL, 9).await;
    let [lease] = &leases[..] else {
        panic!("one job, not {}", leases.len());
    };
    assert_eq!((lease.epoch, lease.payload.as_slice()), (2, &b"0"[..]));
}

pub(super) async fn an_advance_moves_its_job_in_the_same_commit(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    let due = world.now() + MINUTE;
    let (mut item, id) = world.one();
    let next = Next::Again {
        due,
        cursor: b"100".to_vec(),
    };
    item.advance = Some(Advance::new(lease.job, lease.epoch, next));
    world.stored(item).await;
    assert_eq!(world.claimed().await, [id]);
    assert!(
        world.claim_lane(NewJob::CHANNEL, 1).await.is_empty(),
        "not due yet"
    );
    let spent = world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(spent, Settled::Fenced, "its lease is spent");
    world.pass(MINUTE);
    let next = world
        .claim_lane(NewJob::CHANNEL, 1)
        .await
        .pop()
        .expect("the job goes on");
    assert_eq!(
        (next.job, next.epoch, next.payload.as_slice()),
        (UNKNOWN, 2, &b"100"[..])
    );
}

pub(super) async fn an_advance_that_is_done_removes_its_job(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    let (mut item, id) = world.one();
    item.advance = Some(Advance::new(lease.job, lease.epoch, Next::Done));
    world.stored(item).await;
    assert_eq!(world.claimed().await, [id]);
    world.pass(HOUR);
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim");
    assert!(world.claim_lane(NewJob::CHANNEL, 1).await.is_empty());
}

pub(super) async fn an_advance_of_a_lost_job_is_fenced_and_stores_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim");
    let (mut before, before_id) = world.one();
    before.advance = Some(again(&world, &lease, b"1"));
    assert_eq!(world.accept(before).await, Accepted::Fenced, "taken back");
    let newer = world
        .claim_lane(NewJob::CHANNEL, 1)
        .await
        .pop()
        .expect("a job");
    assert_eq!(newer.payload, b"0");
    let (mut after, after_id) = world.one();
    after.advance = Some(again(&world, &lease, b"1"));
    assert_eq!(
        world.accept(after).await,
        Accepted::Fenced,
        "lent to another"
    );
    for id in [before_id, after_id] {
        assert!(world.find(id).await.is_none());
    }
    let (mut item, _) = world.one();
    item.advance = Some(again(&world, &newer, b"1"));
    world.stored(item).await;
}

pub(super) async fn a_chunk_that_is_accepted_twice_is_stored_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    let chunk = || {
        let (mut item, id) = world.one();
        item.advance = Some(again(&world, &lease, b"1"));
        (item, id)
    };
    let ((first, first_id), (second, second_id), (third, third_id)) = (chunk(), chunk(), chunk());
    let answers = world.accept_all(vec![first, second]).await;
    assert_eq!(answers, [Accepted::New, Accepted::Fenced]);
    assert_eq!(world.accept(third).await, Accepted::Fenced);
    assert!(world.find(second_id).await.is_none());
    assert!(world.find(third_id).await.is_none());
    assert_eq!(world.claimed().await, [first_id]);
}

pub(super) async fn an_item_that_is_refused_does_not_advance_its_job(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    let (taken, _) = world.keyed(key(1), request_hash(1));
    world.stored(taken).await;
    let premise = Premise::NotExpired { at: world.now() };
    let (stale, _) = world.provided(vec![premise.clone()]);
    let (duplicate, _) = world.keyed(key(1), request_hash(1));
    let (conflict, _) = world.keyed(key(1), request_hash(2));
    for (mut item, answer) in [
        (stale, Some(Accepted::Stale(premise))),
        (duplicate, None),
        (conflict, Some(Accepted::Conflict)),
    ] {
        item.advance = Some(again(&world, &lease, b"1"));
        let answered = world.accept(item).await;
        assert!(answer.is_none_or(|answer| answer == answered));
        assert_ne!(answered, Accepted::New);
    }
    let (mut item, _) = world.one();
    item.advance = Some(again(&world, &lease, b"1"));
    world.stored(item).await;
    let next = world
        .claim_lane(NewJob::CHANNEL, 1)
        .await
        .pop()
        .expect("a job");
    assert_eq!((next.epoch, next.payload.as_slice()), (2, &b"1"[..]));
}

pub(super) async fn a_job_is_moved_on_where_there_is_nothing_to_make(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let lease = world.other_job(UNKNOWN).await;
    let (_, delivery) = world.lent().await;
    let moves = [
        again(&world, &delivery, b"1"),
        Advance::new(lease.job, lease.epoch + 1, Next::Done),
        again(&world, &lease, b"1"),
        Advance::new(lease.job, lease.epoch, Next::Done),
    ];
    let moved = world.store.advance(&moves).await.expect("advance");
    let fenced = Settled::Fenced;
    assert_eq!(moved, [fenced, fenced, Settled::Applied, fenced]);
    let next = world
        .claim_lane(NewJob::CHANNEL, 9)
        .await
        .pop()
        .expect("it goes on");
    assert_eq!((next.epoch, next.payload.as_slice()), (2, &b"1"[..]));
    let done = [Advance::new(next.job, next.epoch, Next::Done)];
    let moved = world.store.advance(&done).await.expect("advance");
    assert_eq!(moved, [Settled::Applied]);
    world.pass(MINUTE);
    assert!(world.claim_lane(NewJob::CHANNEL, 9).await.is_empty());
    let moved = world.store.advance(&done).await.expect("advance");
    assert_eq!(moved, [fenced], "it is gone");
}
