//! Clauses: schedules are written with their jobs, and by whoever knew the version.

use std::sync::Arc;

use crate::audit::Actor;
use crate::id::TenantId;
use crate::notification::Priority;
use crate::queue::{Accepted, Advance, LaneClaim, NewJob, Next, Premise, Settled};
use crate::schedule::{ScheduleChange, ScheduleFailure, TickChange};
use crate::testkit::StoreHarness;
use crate::testkit::schedule::{begun, get, hourly, jobs, resting, room, stored, tick_job, write};
use crate::testkit::world::{HOUR, SECOND, World, at_once};

pub(super) async fn a_schedule_is_stored_with_its_job(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, scheduled) = (world.ids.schedule(world.now()), hourly("report"));
    let mut change = begun(&world, id, &scheduled, world.now() + HOUR, b"from here");
    change.priority = Priority::Low;
    let TickChange::Begin(new) = &change.tick else {
        unreachable!("it begins");
    };
    let job = new.job;
    write(&world, change).await;
    world.pass(HOUR - SECOND);
    let lane = LaneClaim {
        priority: Priority::Low,
        channel: NewJob::CHANNEL,
        limit: 9,
    };
    let claim = world.claim_of(world.owner, vec![lane.clone()]);
    let early = world.store.claim(&claim).await.expect("claim");
    assert!(early.is_empty(), "it is not due");
    assert!(jobs(&world).await.is_empty(), "nor in another lane");
    world.pass(SECOND);
    let claim = world.claim_of(world.owner, vec![lane]);
    let leases = world.store.claim(&claim).await.expect("claim");
    assert_eq!(leases.len(), 1);
    assert_eq!((leases[0].job, &leases[0].tenant), (job, &world.tenant));
    assert_eq!(leases[0].payload, b"from here");
}

pub(super) async fn a_write_that_rests_on_another_version_changes_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let before = get(&world, id).await;
    let (other, soon) = (hourly("another"), world.now() + SECOND);
    for expected_version in [0, 2] {
        let change = ScheduleChange {
            expected_version,
            ..begun(&world, id, &other, soon, b"1")
        };
        assert!(!room(&world).write(&change).await.expect("write"));
    }
    let unknown = ScheduleChange {
        expected_version: 1,
        ..begun(&world, world.ids.schedule(world.now()), &other, soon, b"1")
    };
    assert!(!room(&world).write(&unknown).await.expect("write"));
    assert_eq!(get(&world, id).await, before);
    world.pass(SECOND);
    assert!(jobs(&world).await.is_empty(), "no job was put or moved");
}

pub(super) async fn a_key_names_one_schedule_of_its_tenant(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let (other, scheduled) = (world.ids.schedule(world.now()), hourly("report"));
    let change = begun(&world, other, &scheduled, world.now(), b"1");
    assert!(!room(&world).write(&change).await.expect("write"));
    assert!(jobs(&world).await.is_empty(), "without a job");
    let elsewhere = TenantId::new("another");
    let change = ScheduleChange {
        tenant: &elsewhere,
        ..change
    };
    write(&world, change).await;
    let found = room(&world).find(&world.tenant, scheduled.key()).await;
    assert_eq!(found.expect("find").map(|found| found.id), Some(id));
    let found = room(&world).find(&elsewhere, scheduled.key()).await;
    assert_eq!(found.expect("find").map(|found| found.id), Some(other));
}

pub(super) async fn a_key_that_was_given_up_is_free(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let renamed = hourly("renamed");
    let change = begun(&world, id, &renamed, world.now() + HOUR, b"0");
    write(&world, resting(&world, change).await).await;
    let (next, scheduled) = (world.ids.schedule(world.now()), hourly("report"));
    write(
        &world,
        begun(&world, next, &scheduled, world.now() + HOUR, b"0"),
    )
    .await;
    for (key, id) in [("renamed", id), ("report", next)] {
        let found = room(&world).find(&world.tenant, &key.into()).await;
        assert_eq!(found.expect("find").map(|found| found.id), Some(id));
    }
}

pub(super) async fn of_two_writes_at_once_one_is_stored(harness: &dyn StoreHarness) {
    let world = Arc::new(World::open(harness).await);
    let id = stored(&world, "report").await;
    let answers = at_once(2, |no| {
        let world = Arc::clone(&world);
        async move {
            let scheduled = hourly(if no == 0 { "zero" } else { "one" });
            let due = world.now() + HOUR;
            let change = ScheduleChange {
                expected_version: 1,
                ..begun(&world, id, &scheduled, due, b"1")
            };
            room(&world).write(&change).await.expect("write")
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|written| **written).count(), 1);
    assert_eq!(get(&world, id).await.map(|stored| stored.version), Some(2));
    world.pass(HOUR);
    assert_eq!(jobs(&world).await.len(), 1, "one job");
}

pub(super) async fn a_job_that_is_replaced_or_ended_is_fenced(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    world.pass(HOUR);
    let old = jobs(&world).await.remove(0);
    let scheduled = hourly("report");
    let change = begun(&world, id, &scheduled, world.now(), b"anew");
    write(&world, resting(&world, change).await).await;
    let done = |lease: &crate::queue::Lease| [Advance::new(lease.job, lease.epoch, Next::Done)];
    let answer = world.store.advance(&done(&old)).await.expect("advance");
    assert_eq!(answer, [Settled::Fenced], "its job is gone");
    let new = jobs(&world).await.remove(0);
    assert_eq!(new.payload, b"anew");
    assert_ne!(new.job, old.job);
    let end = ScheduleChange {
        is_paused: true,
        tick: TickChange::End,
        ..begun(&world, id, &scheduled, world.now(), b"")
    };
    write(&world, resting(&world, end).await).await;
    let answer = world.store.advance(&done(&new)).await.expect("advance");
    assert_eq!(answer, [Settled::Fenced]);
    world.pass(HOUR);
    let taken = world.store.reclaim(&[], world.now()).await;
    assert_eq!(taken.expect("reclaim"), 0, "nothing is lent any more");
    assert!(jobs(&world).await.is_empty(), "nothing is left");
    assert_eq!(get(&world, id).await.and_then(|stored| stored.next), None);
}

pub(super) async fn what_is_kept_stays_lent(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    world.pass(HOUR);
    let lease = jobs(&world).await.remove(0);
    let scheduled = hourly("renamed");
    let keep = ScheduleChange {
        tick: TickChange::Keep,
        ..begun(&world, id, &scheduled, world.now(), b"")
    };
    write(&world, resting(&world, keep).await).await;
    let next = Next::Again {
        due: world.now() + HOUR,
        cursor: b"1".to_vec(),
    };
    let moved = [Advance::new(lease.job, lease.epoch, next)];
    let answer = world.store.advance(&moved).await.expect("advance");
    assert_eq!(answer, [Settled::Applied]);
    let next = get(&world, id).await.and_then(|stored| stored.next);
    assert_eq!(next, Some(world.now() + HOUR));
}

pub(super) async fn what_is_removed_takes_its_job(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let (room, by) = (room(&world), Actor::Application);
    let elsewhere = TenantId::new("another");
    let removed = room.remove(&elsewhere, id, &by, world.now()).await;
    assert!(!removed.expect("remove"), "of no other tenant");
    world.pass(HOUR);
    let lease = jobs(&world).await.remove(0);
    for there in [true, false] {
        let removed = room.remove(&world.tenant, id, &by, world.now()).await;
        assert_eq!(removed.expect("remove"), there);
    }
    assert_eq!(get(&world, id).await, None);
    let done = [Advance::new(lease.job, lease.epoch, Next::Done)];
    let answer = world.store.advance(&done).await.expect("advance");
    assert_eq!(answer, [Settled::Fenced]);
    world.pass(HOUR);
    assert!(jobs(&world).await.is_empty());
    // Its key is free.
    stored(&world, "report").await;
}

pub(super) async fn a_failure_is_noted_for_its_version_until_the_next_write(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let failure = ScheduleFailure::new(world.now(), world.now() + SECOND, 3, "no template");
    let room = room(&world);
    let noted = room.fail(&world.tenant, id, 2, Some(&failure)).await;
    assert!(!noted.expect("fail"), "of no other version");
    let elsewhere = TenantId::new("another");
    let noted = room.fail(&elsewhere, id, 1, Some(&failure)).await;
    assert!(!noted.expect("fail"), "of no other tenant");
    assert_eq!(
        get(&world, id).await.and_then(|stored| stored.failure),
        None
    );
    for told in [Some(&failure), None, Some(&failure)] {
        assert!(room.fail(&world.tenant, id, 1, told).await.expect("fail"));
        let stored = get(&world, id).await.expect("stored");
        assert_eq!((stored.failure.as_ref(), stored.version), (told, 1));
    }
    let scheduled = hourly("report");
    let keep = ScheduleChange {
        tick: TickChange::Keep,
        ..begun(&world, id, &scheduled, world.now(), b"")
    };
    write(&world, resting(&world, keep).await).await;
    assert_eq!(
        get(&world, id).await.and_then(|stored| stored.failure),
        None
    );
}

pub(super) async fn what_operators_change_is_audited(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let (by, scheduled) = (Actor::operator("op-1"), hourly("report"));
    let pause = ScheduleChange {
        actor: &by,
        action: "schedule.pause",
        is_paused: true,
        tick: TickChange::End,
        ..begun(&world, id, &scheduled, world.now(), b"")
    };
    assert!(!room(&world).write(&pause).await.expect("write"));
    write(&world, resting(&world, pause).await).await;
    let removed = room(&world)
        .remove(&world.tenant, id, &by, world.now())
        .await;
    assert!(removed.expect("remove"));
    let rows = [("schedule.remove", "report"), ("schedule.pause", "report")];
    let rows = rows.map(|(action, subject)| (action.to_owned(), subject.to_owned()));
    assert_eq!(world.audited().await, rows);
}

pub(super) async fn an_occurrence_rests_on_an_active_schedule_of_its_version(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let accept = async |version| {
        let schedule = id;
        let premise = Premise::Occurrence { schedule, version };
        let (item, delivery) = world.provided(vec![premise.clone()]);
        let answer = world.accept(item).await;
        let is_there = world.find(delivery).await.is_some();
        assert_eq!(is_there, answer == Accepted::New, "nothing of it is stored");
        if !is_there {
            assert_eq!(answer, Accepted::Stale(premise));
        }
        is_there
    };
    assert!(accept(1).await);
    assert!(!accept(0).await && !accept(2).await, "no other version");
    let scheduled = hourly("report");
    let change = |is_paused| ScheduleChange {
        is_paused,
        tick: TickChange::Begin(NewJob::new(tick_job(&world), world.now(), Vec::new())),
        ..begun(&world, id, &scheduled, world.now(), b"")
    };
    write(&world, resting(&world, change(false)).await).await;
    assert!(!accept(1).await && accept(2).await, "the new one");
    write(&world, resting(&world, change(true)).await).await;
    assert!(!accept(2).await && !accept(3).await, "it is paused");
    let by = Actor::Application;
    write(&world, resting(&world, change(false)).await).await;
    assert!(accept(4).await);
    let removed = room(&world)
        .remove(&world.tenant, id, &by, world.now())
        .await;
    assert!(removed.expect("remove"));
    assert!(!accept(4).await, "it is gone");
}

pub(super) async fn an_occurrence_of_another_tenants_schedule_is_stale(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let schedule = stored(&world, "report").await;
    let premise = Premise::Occurrence {
        schedule,
        version: 1,
    };
    let (mut item, _) = world.provided(vec![premise.clone()]);
    item.tenant = TenantId::new("another");
    assert_eq!(world.accept(item).await, Accepted::Stale(premise));
}
