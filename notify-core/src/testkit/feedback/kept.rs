//! Clauses: reports that wait for their delivery.

use crate::delivery::{DeliveryState, EventKind};
use crate::queue::{Applied, Feedback, KeptReport, ReportKey};
use crate::testkit::StoreHarness;
use crate::testkit::feedback::{
    apply, by_message, entry, finds, judged, message, report, room, sent,
};
use crate::testkit::world::{SECOND, World};

pub(super) async fn a_report_is_kept_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (one, two) = (report(&world, 1), report(&world, 2));
    let twice = [one.clone(), one.clone()];
    assert_eq!(room(&world).keep(&twice).await.expect("keep"), 1);
    world.pass(SECOND);
    let again = [report(&world, 1), two.clone()];
    assert_eq!(room(&world).keep(&again).await.expect("keep"), 1);
    world.pass(SECOND);
    let kept = room(&world).look(world.now(), 10).await.expect("look");
    assert_eq!(kept.kept, 2);
    let (first, second) = (kept.due.first(), kept.due.last());
    assert_eq!(first, Some(&one), "it stays as it was, and reads back so");
    assert_eq!(second.map(|report| report.key), Some(two.key));
    assert_eq!(room(&world).keep(&[]).await.expect("keep"), 0);
}

pub(super) async fn look_gives_what_is_due_and_puts_it_off(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (room, start) = (room(&world), world.now());
    room.keep(&[report(&world, 1)]).await.expect("keep");
    let mut looks = Vec::new();
    for _ in 0..20 {
        if !room
            .look(world.now(), 10)
            .await
            .expect("look")
            .due
            .is_empty()
        {
            looks.push(world.now().since(start).as_secs());
        }
        world.pass(SECOND);
    }
    assert_eq!(looks, [1, 2, 4, 8, 16], "after as long as it has been kept");
    room.keep(&[report(&world, 2)]).await.expect("keep");
    world.pass(SECOND);
    room.keep(&[report(&world, 3)]).await.expect("keep");
    world.pass(SECOND);
    for no in [2, 3] {
        let kept = room.look(world.now(), 1).await.expect("look");
        let keys: Vec<_> = kept.due.iter().map(|report| report.key).collect();
        assert_eq!(keys, [ReportKey::from_bytes([no; 32])], "the oldest first");
        assert_eq!(kept.kept, 3);
    }
}

pub(super) async fn look_forgets_what_was_kept_for_a_day(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let room = room(&world);
    room.keep(&[report(&world, 1)]).await.expect("keep");
    world.pass(KeptReport::FOR - SECOND);
    room.keep(&[report(&world, 2)]).await.expect("keep");
    let kept = room.look(world.now(), 10).await.expect("look");
    assert_eq!((kept.due.len(), kept.kept, kept.forgotten), (1, 2, 0));
    world.pass(SECOND);
    let kept = room.look(world.now(), 10).await.expect("look");
    let keys: Vec<_> = kept.due.iter().map(|report| report.key).collect();
    assert_eq!(keys, [ReportKey::from_bytes([2; 32])]);
    assert_eq!((kept.kept, kept.forgotten), (1, 1));
    let kept = room.look(world.now(), 10).await.expect("look");
    assert_eq!((kept.kept, kept.forgotten), (1, 0), "once");
}

pub(super) async fn what_was_applied_or_forgotten_is_kept_no_longer(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let room = room(&world);
    let reports = [1, 2, 3].map(|no| report(&world, no));
    room.keep(&reports).await.expect("keep");
    let id = sent(&world, &[message("m-1")]).await;
    let event = entry(&world, id, EventKind::Opened);
    let item = Feedback {
        kept: Some(reports[0].key),
        ..judged(&world, &event).await
    };
    assert_eq!(apply(&world, item).await, Applied::Applied);
    let unknown = ReportKey::from_bytes([9; 32]);
    room.forget(&[reports[1].key, unknown])
        .await
        .expect("forget");
    world.pass(SECOND);
    let kept = room.look(world.now(), 10).await.expect("look");
    assert_eq!(kept.due, [reports[2].clone()]);
    assert_eq!(kept.kept, 1);
}

pub(super) async fn what_was_kept_or_written_survives_a_crash(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let kept = report(&world, 1);
    room(&world)
        .keep(std::slice::from_ref(&kept))
        .await
        .expect("keep");
    let event = entry(&world, id, EventKind::Delivered);
    let item = Feedback {
        to: Some(DeliveryState::Delivered),
        ..judged(&world, &event).await
    };
    assert_eq!(apply(&world, item).await, Applied::Applied);
    if !harness.durable() {
        return;
    }
    let world = world.reopen(harness).await;
    assert_eq!(world.state(id).await.0, DeliveryState::Delivered);
    assert_eq!(finds(&world, by_message("m-1")).await, Some(id));
    world.pass(SECOND);
    let again = room(&world).look(world.now(), 10).await.expect("look");
    assert_eq!(again.due, [kept]);
}
