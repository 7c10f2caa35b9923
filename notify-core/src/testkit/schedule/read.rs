//! Clauses: schedules are read as they were written.

use crate::clock::Timestamp;
use crate::id::{ScheduleId, TenantId};
use crate::queue::{Advance, Next, Settled};
use crate::schedule::{
    ScheduleChange, ScheduleFailure, ScheduleFilter, ScheduleTarget, TickChange,
};
use crate::testkit::StoreHarness;
use crate::testkit::schedule::{
    BOB, begun, for_all, get, get_of, hourly, jobs, resting, room, stored, write,
};
use crate::testkit::world::{ADA, HOUR, MINUTE, World};

async fn list(
    world: &World,
    filter: ScheduleFilter<'_>,
    after: Option<ScheduleId>,
    limit: u32,
) -> Vec<ScheduleId> {
    let found = room(world).list(&world.tenant, &filter, after, limit).await;
    found.expect("list").iter().map(|found| found.id).collect()
}

pub(super) async fn a_schedule_reads_back_by_its_id_and_by_its_key(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, began) = (stored(&world, "report").await, world.now());
    let first = get(&world, id).await.expect("stored");
    assert_eq!(first.scheduled, hourly("report"));
    assert_eq!((first.id, first.version, first.is_paused), (id, 1, false));
    assert_eq!((first.created_at, first.updated_at), (began, began));
    assert_eq!((first.next, &first.failure), (Some(began + HOUR), &None));
    world.pass(MINUTE);
    let renamed = for_all(&hourly("renamed"), ScheduleTarget::recipients([ADA, BOB]));
    let pause = ScheduleChange {
        is_paused: true,
        tick: TickChange::End,
        ..begun(&world, id, &renamed, world.now(), b"")
    };
    write(&world, resting(&world, pause).await).await;
    let second = get(&world, id).await.expect("stored");
    assert_eq!(second.scheduled, renamed);
    assert_eq!((second.version, second.is_paused), (2, true));
    assert_eq!((second.created_at, second.updated_at), (began, world.now()));
    assert_eq!(second.next, None);
    let by_key = async |key: &str| {
        let found = room(&world).find(&world.tenant, &key.into()).await;
        found.expect("find")
    };
    assert_eq!(by_key("renamed").await, Some(second));
    assert_eq!(by_key("report").await, None, "it is not called so any more");
}

pub(super) async fn schedules_of_other_tenants_are_not_there(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let elsewhere = TenantId::new("another");
    assert_eq!(get_of(&world, &elsewhere, id).await, None);
    let found = room(&world).find(&elsewhere, &"report".into()).await;
    assert_eq!(found.expect("find"), None);
    let filter = ScheduleFilter::default();
    let found = room(&world).list(&elsewhere, &filter, None, 9).await;
    assert!(found.expect("list").is_empty());
    assert!(get(&world, id).await.is_some(), "it is there");
}

pub(super) async fn next_is_when_the_job_is_due(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let due = world.pass(HOUR);
    let next = async || get(&world, id).await.and_then(|stored| stored.next);
    let lease = jobs(&world).await.remove(0);
    assert_eq!(next().await, Some(due), "while it is lent");
    let again = Next::Again {
        due: due + HOUR,
        cursor: b"1".to_vec(),
    };
    let moved = [Advance::new(lease.job, lease.epoch, again)];
    let answer = world.store.advance(&moved).await.expect("advance");
    assert_eq!(answer, [Settled::Applied]);
    assert_eq!(next().await, Some(due + HOUR));
    world.pass(HOUR);
    let lease = jobs(&world).await.remove(0);
    let done = [Advance::new(lease.job, lease.epoch, Next::Done)];
    world.store.advance(&done).await.expect("advance");
    assert_eq!(next().await, None, "it is over");
}

pub(super) async fn a_list_comes_in_order_and_in_pages(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut ids = Vec::new();
    for no in 0..5 {
        ids.push(stored(&world, &format!("report-{no}")).await);
    }
    ids.sort_unstable();
    let all = ScheduleFilter::default();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let page = list(&world, all, seen.last().copied(), 2).await;
        assert!(page.len() <= 2);
        seen.extend(page);
    }
    assert_eq!(seen, ids);
}

pub(super) async fn a_list_has_what_its_filter_names(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (ada, bob) = (ADA, BOB);
    let mut ids = Vec::new();
    let targets = [
        ScheduleTarget::from(ADA),
        ScheduleTarget::recipients([BOB, ADA]),
        ScheduleTarget::from(BOB),
    ];
    for (no, target) in (1..).zip(targets) {
        let id = world.ids.schedule(world.now());
        let scheduled = for_all(&hourly(&format!("report-{no}")), target);
        let due = world.now() + no * HOUR;
        write(&world, begun(&world, id, &scheduled, due, b"0")).await;
        ids.push(id);
    }
    let with = async |recipient, hours: Option<u32>| {
        let next_before: Option<Timestamp> = hours.map(|hours| world.now() + hours * HOUR);
        let filter = ScheduleFilter {
            recipient,
            next_before,
        };
        list(&world, filter, None, 9).await
    };
    assert_eq!(with(Some(&ada), None).await, ids[..2]);
    assert_eq!(with(Some(&bob), None).await, ids[1..]);
    assert_eq!(with(None, Some(2)).await, ids[..1], "not those due then");
    assert_eq!(with(Some(&bob), Some(3)).await, ids[1..2]);
    // Whom it named before does not matter.
    let scheduled = for_all(&hourly("report-1"), ScheduleTarget::from(BOB));
    let keep = ScheduleChange {
        tick: TickChange::Keep,
        ..begun(&world, ids[0], &scheduled, world.now(), b"")
    };
    write(&world, resting(&world, keep).await).await;
    assert_eq!(with(Some(&ada), None).await, ids[1..2]);
    assert_eq!(with(Some(&bob), None).await, ids);
}

pub(super) async fn schedules_survive_a_crash(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = stored(&world, "report").await;
    let failure = ScheduleFailure::new(world.now(), world.now(), 1, "no template");
    let noted = room(&world)
        .fail(&world.tenant, id, 1, Some(&failure))
        .await;
    assert!(noted.expect("fail"));
    let before = get(&world, id).await;
    if !harness.durable() {
        return;
    }
    let world = world.reopen(harness).await;
    assert_eq!(get(&world, id).await, before);
    world.pass(HOUR);
    assert_eq!(jobs(&world).await.len(), 1, "its job, too");
}
