//! Clauses: what reports change, and when they are stale.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Cause, Decision, DeliveryEvent, DeliveryState, EventKind, Reason, Report};
use crate::id::{ChannelId, DeliveryId, TenantId};
use crate::preference::{AddressHash, SoftBounces, SuppressionScope, SuppressionSource};
use crate::provider::{Bounce, Fault};
use crate::queue::{Applied, Begun, Effect, Feedback, Settled};
use crate::recipient::Recipient;
use crate::testkit::StoreHarness;
use crate::testkit::feedback::{
    HOME, SECONDARY, SENT, WORK, apply, by_message, entry, find, judged, message, moved, report,
    room, sent, taken,
};
use crate::testkit::world::{HOUR, MINUTE, PROVIDER, SECOND, World, both};

pub(super) async fn a_report_moves_the_delivery_and_reads_back_from_the_timeline(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    world.pass(MINUTE);
    let mut event = entry(&world, id, EventKind::Bounced);
    event.message_id = Some("m-1".to_owned());
    event.fault = Some(Fault::recipient("5.1.1"));
    let mut report = Report::new(Timestamp::EPOCH).with_event_id("evt-1");
    report.bounce = Some(Bounce::Hard);
    report.name = Some("bounce \u{1f4e6}".to_owned());
    event.report = Some(report);
    let from = DeliveryState::Bounced.reached_from(&[Cause::Provider]);
    let item = Feedback {
        from: &from,
        to: Some(DeliveryState::Bounced),
        ..judged(&world, &event).await
    };
    assert_eq!(apply(&world, item).await, Applied::Applied);
    let delivery = world.read(id).await;
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Bounced, None)
    );
    assert_eq!(delivery.updated_at, world.now());
    assert_eq!(world.timeline(id).await.last(), Some(&event));
    assert_eq!(
        apply(&world, item).await,
        Applied::Stale,
        "the same once more"
    );
    assert_eq!(world.timeline(id).await.len(), item.entries + 1);
}

pub(super) async fn a_report_judged_before_something_happened_is_stale(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let delivered = entry(&world, id, EventKind::Delivered);
    let from = DeliveryState::Delivered.reached_from(&[Cause::Provider]);
    let late = Feedback {
        from: &from,
        to: Some(DeliveryState::Delivered),
        ..judged(&world, &delivered).await
    };
    assert_eq!(
        moved(&world, id, EventKind::Bounced, DeliveryState::Bounced).await,
        Applied::Applied
    );
    let before = world.picture(id).await;
    assert_eq!(apply(&world, late).await, Applied::Stale);
    let entries = world.timeline(id).await.len();
    assert_eq!(
        apply(&world, Feedback { entries, ..late }).await,
        Applied::Stale,
        "not from there"
    );
    assert_eq!(world.picture(id).await, before);
}

pub(super) async fn a_report_never_moves_what_is_being_sent(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    let event = entry(&world, id, EventKind::Delivered);
    let from = DeliveryState::Delivered.reached_from(&[Cause::Provider]);
    let item = Feedback {
        from: &from,
        to: Some(DeliveryState::Delivered),
        ..judged(&world, &event).await
    };
    assert_eq!(
        world.begin(&lease).await,
        Begun::Go,
        "no entry tells of this"
    );
    assert_eq!(apply(&world, item).await, Applied::Stale);
    assert_eq!(world.state(id).await.0, DeliveryState::Sending);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
}

pub(super) async fn a_report_of_what_is_not_there_is_stale(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let unknown = entry(&world, world.ids.delivery(world.now()), EventKind::Opened);
    assert_eq!(
        apply(&world, judged(&world, &unknown).await).await,
        Applied::Stale
    );
    let id = sent(&world, &[message("m-1")]).await;
    let event = entry(&world, id, EventKind::Opened);
    let other = TenantId::new("umbrella");
    let item = judged(&world, &event).await;
    let foreign = Feedback {
        tenant: &other,
        ..item
    };
    assert_eq!(apply(&world, foreign).await, Applied::Stale);
    assert_eq!(apply(&world, item).await, Applied::Applied);
    let cut = Feedback {
        entries: item.entries + 2,
        ..item
    };
    assert_eq!(
        apply(&world, cut).await,
        Applied::Stale,
        "more than there are"
    );
}

pub(super) async fn a_stale_report_fails_no_neighbour(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (one, two) = (
        sent(&world, &[message("m-1")]).await,
        sent(&world, &[message("m-2")]).await,
    );
    let events = [one, one, two].map(|id| entry(&world, id, EventKind::Opened));
    let mut batch = Vec::new();
    for event in &events {
        batch.push(judged(&world, event).await);
    }
    let answers = room(&world).apply(&batch).await.expect("apply");
    assert_eq!(
        answers,
        [Applied::Applied, Applied::Stale, Applied::Applied]
    );
    for id in [one, two] {
        assert_eq!(world.kinds(id).await.last(), Some(&EventKind::Opened));
    }
    assert!(room(&world).apply(&[]).await.expect("apply").is_empty());
}

pub(super) async fn of_two_reports_at_once_each_is_written_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    for _ in 0..20 {
        let entries = world.timeline(id).await.len();
        let event = entry(&world, id, EventKind::Opened);
        let report = |event: DeliveryEvent| {
            let (room, tenant, now) = (room(&world), world.tenant.clone(), world.now());
            async move {
                let item = Feedback {
                    tenant: &tenant,
                    event: &event,
                    entries,
                    from: &DeliveryState::ALL,
                    to: None,
                    seen_at: None,
                    answer: None,
                    effects: &[],
                    kept: None,
                    now,
                };
                room.apply(&[item]).await.expect("apply").remove(0)
            }
        };
        let (one, two) = both(report(event.clone()), report(event)).await;
        assert_ne!(one, two, "one of them is written");
        assert_eq!(world.timeline(id).await.len(), entries + 1);
    }
}

pub(super) async fn a_report_that_ends_what_waits_takes_its_job(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut delivery = world.delivery();
    delivery.pinned = Some(Arc::new(
        Recipient::new("ada").with_email("ada@example.com"),
    ));
    let id = delivery.id;
    world.stored(world.item(vec![delivery])).await;
    let lease = world.lease(id).await;
    let done = moved(&world, id, EventKind::Delivered, DeliveryState::Delivered).await;
    assert_eq!(done, Applied::Applied);
    assert_eq!(
        world.begin(&lease).await,
        Begun::Fenced,
        "whoever has it is fenced"
    );
    assert_eq!(
        world.finish(&lease, DeliveryState::Expired).await,
        Settled::Fenced
    );
    world.pass(HOUR);
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim");
    assert!(world.claimed().await.is_empty(), "nothing is left to do");
    let ended = world.read(id).await;
    assert_eq!(ended.state, DeliveryState::Delivered);
    assert!(
        ended.pinned.is_none(),
        "the recipient of the call is erased"
    );
    let depth = world.store.depth(world.now()).await.expect("depth");
    assert!(depth.iter().all(crate::queue::LaneDepth::is_empty));
}

pub(super) async fn a_report_ends_a_dead_letter(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let parked = world.ended(DeliveryState::Parked).await;
    let dead = world.ended(DeliveryState::Dead).await;
    for id in [parked, dead] {
        let done = moved(&world, id, EventKind::Delivered, DeliveryState::Delivered).await;
        assert_eq!(done, Applied::Applied);
    }
    let left = world.store.dead_letters(&world.tenant, None, 10).await;
    assert!(left.expect("dead letters").is_empty());
    let actor = crate::audit::Actor::operator("olga");
    let asked = world
        .store
        .requeue(&world.tenant, &[parked], &actor, world.now())
        .await;
    assert_eq!(asked.expect("requeue"), [false], "it arrived");
}

pub(super) async fn the_earliest_time_of_being_seen_stays(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let start = world.now();
    for (at, seen) in [(5, 5), (3, 3), (9, 3)] {
        let event = entry(&world, id, EventKind::Opened);
        let item = Feedback {
            seen_at: Some(start + SECOND * at),
            ..judged(&world, &event).await
        };
        assert_eq!(apply(&world, item).await, Applied::Applied);
        assert_eq!(world.read(id).await.seen_at, Some(start + SECOND * seen));
    }
    assert_eq!(
        world.state(id).await.0,
        DeliveryState::Sent,
        "engagement is no state"
    );
}

pub(super) async fn entries_come_in_the_order_of_their_time(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let accepted_at = world.now();
    let id = sent(&world, &[message("m-1")]).await;
    world.pass(HOUR);
    for (kind, at) in [
        (EventKind::Opened, accepted_at + MINUTE * 2),
        (EventKind::Delivered, accepted_at + MINUTE),
        (EventKind::Processing, accepted_at),
        (EventKind::Clicked, accepted_at + MINUTE * 2),
    ] {
        let mut event = entry(&world, id, kind);
        event.at = at;
        assert_eq!(
            apply(&world, judged(&world, &event).await).await,
            Applied::Applied
        );
    }
    assert_eq!(
        world.kinds(id).await,
        [
            EventKind::Accepted,
            EventKind::Sent,
            EventKind::Processing,
            EventKind::Delivered,
            EventKind::Opened,
            EventKind::Clicked,
        ]
    );
}

fn suppress() -> Effect {
    Effect::Suppress {
        channel: ChannelId::EMAIL,
        address: HOME,
        scope: SuppressionScope::All,
        source: SuppressionSource::Bounce,
    }
}

async fn scope(world: &World, tenant: &TenantId, address: AddressHash) -> Option<SuppressionScope> {
    let asked = [(ChannelId::EMAIL, address)];
    let found = world.store.suppressed(tenant, &asked).await;
    found.expect("suppressed").remove(0)
}

/// A step that waits for another, for an hour at most.
async fn waiting(world: &World) -> DeliveryId {
    let mut step = world.delivery();
    let id = step.id;
    step.due = world.now() + HOUR;
    step.decision = Decision::Hold {
        until: step.due,
        reason: Reason::WaitsForFallback,
    };
    world.stored(world.item(vec![step])).await;
    id
}

pub(super) async fn what_follows_happens_in_the_same_commit(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let (released, cancelled) = (waiting(&world).await, waiting(&world).await);
    assert_eq!(
        scope(&world, &world.tenant, HOME).await,
        None,
        "asked before, so that a copy would be old"
    );
    let effects = [
        suppress(),
        Effect::Release {
            delivery: released,
            due: world.now(),
        },
        Effect::Cancel {
            delivery: cancelled,
            reason: Reason::NotNeeded,
        },
    ];
    let event = entry(&world, id, EventKind::Bounced);
    let item = Feedback {
        to: Some(DeliveryState::Bounced),
        effects: &effects,
        ..judged(&world, &event).await
    };
    assert_eq!(apply(&world, item).await, Applied::Applied);
    let all = Some(SuppressionScope::All);
    assert_eq!(scope(&world, &world.tenant, HOME).await, all);
    assert_eq!(scope(&world, &TenantId::new("umbrella"), HOME).await, None);
    assert_eq!(world.claimed().await, [released]);
    assert_eq!(world.state(cancelled).await.0, DeliveryState::Cancelled);
}

pub(super) async fn what_follows_from_a_stale_report_does_not_happen(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let released = waiting(&world).await;
    let event = entry(&world, id, EventKind::Bounced);
    let release = Effect::Release {
        delivery: released,
        due: world.now(),
    };
    let key = report(&world, 1);
    room(&world)
        .keep(std::slice::from_ref(&key))
        .await
        .expect("keep");
    let item = Feedback {
        entries: 0,
        effects: &[suppress(), release],
        kept: Some(key.key),
        seen_at: Some(world.now()),
        to: Some(DeliveryState::Bounced),
        ..judged(&world, &event).await
    };
    let before = world.picture(id).await;
    assert_eq!(apply(&world, item).await, Applied::Stale);
    assert_eq!(world.picture(id).await, before);
    assert_eq!(scope(&world, &world.tenant, HOME).await, None);
    assert!(world.claimed().await.is_empty());
    world.pass(SECOND);
    let kept = room(&world).look(world.now(), 10).await.expect("look");
    assert_eq!(kept.due, [key]);
}

pub(super) async fn soft_bounces_in_a_row_suppress_the_address(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let rule = SoftBounces::new(2, HOUR);
    let bounced = async |address, at| {
        let effects = [Effect::SoftBounce {
            channel: ChannelId::EMAIL,
            address,
            at,
            rule,
        }];
        let id = sent(&world, &[message("m-1")]).await;
        let event = entry(&world, id, EventKind::Bounced);
        let item = Feedback {
            effects: &effects,
            ..judged(&world, &event).await
        };
        assert_eq!(apply(&world, item).await, Applied::Applied);
        scope(&world, &world.tenant, address).await
    };
    let start = world.now();
    assert_eq!(bounced(HOME, start).await, None);
    let effects = [Effect::Arrived {
        channel: ChannelId::EMAIL,
        address: HOME,
        at: start + SECOND,
    }];
    let id = sent(&world, &[message("m-2")]).await;
    let event = entry(&world, id, EventKind::Delivered);
    let item = Feedback {
        effects: &effects,
        ..judged(&world, &event).await
    };
    assert_eq!(apply(&world, item).await, Applied::Applied);
    assert_eq!(
        bounced(HOME, start + SECOND * 2).await,
        None,
        "an arrival forgave the first"
    );
    assert_eq!(bounced(WORK, start).await, None, "another address");
    assert_eq!(
        bounced(WORK, start + HOUR).await,
        None,
        "the first is too old"
    );
    let all = Some(SuppressionScope::All);
    assert_eq!(bounced(HOME, start + SECOND * 3).await, all);
    assert_eq!(scope(&world, &TenantId::new("umbrella"), HOME).await, None);
}

pub(super) async fn a_report_changes_nothing_of_the_last_call(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = sent(&world, &[message("m-1")]).await;
    let mut event = entry(&world, id, EventKind::Delivered);
    event.provider = Some(SECONDARY.clone());
    event.message_id = Some("m-0".to_owned());
    event.fault = Some(Fault::provider("slow"));
    let item = Feedback {
        to: Some(DeliveryState::Delivered),
        ..judged(&world, &event).await
    };
    assert_eq!(apply(&world, item).await, Applied::Applied);
    let delivery = world.read(id).await;
    assert_eq!(delivery.provider.as_ref(), Some(&PROVIDER));
    assert_eq!(delivery.message_id.as_deref(), Some("m-1"));
    assert_eq!((delivery.fault, delivery.attempts), (None, 1));
}

pub(super) async fn a_settlement_asked_again_after_a_report_changes_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    taken(&world, &lease, SENT, &[message("m-1")]).await;
    let done = moved(&world, id, EventKind::Delivered, DeliveryState::Delivered).await;
    assert_eq!(done, Applied::Applied);
    let before = world.picture(id).await;
    taken(&world, &lease, SENT, &[message("m-1")]).await;
    assert_eq!(world.picture(id).await, before);
    let found = find(&world, by_message("m-1")).await.expect("it is found");
    assert_eq!(found.messages.len(), 1);
}
