//! Clauses: what is held until its time is listed and moved.

use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Decision, Delivery, DeliveryState, EventKind, Reason};
use crate::id::{DeliveryId, NotificationId, RecipientId, TenantId};
use crate::notification::NotificationRequest;
use crate::queue::{Acceptance, Accepted, Settled};
use crate::schedule::{HeldMove, PendingQuery};
use crate::testkit::StoreHarness;
use crate::testkit::schedule::{BOB, room};
use crate::testkit::world::{ADA, HOUR, MINUTE, World, key, request_hash};

const CLOCK: &[Reason] = &[Reason::Scheduled, Reason::QuietHours];

/// A notification for one person that is held until then.
fn held_for(
    world: &World,
    recipient: RecipientId,
    until: Timestamp,
    reason: Reason,
) -> (Acceptance, DeliveryId) {
    let mut delivery = world.delivery_to(recipient);
    delivery.decision = Decision::Hold { until, reason };
    delivery.due = until;
    let id = delivery.id;
    (world.item(vec![delivery]), id)
}

/// Something for Ada that is held until then.
async fn held(world: &World, until: Timestamp, reason: Reason) -> (NotificationId, DeliveryId) {
    let (item, id) = held_for(world, ADA, until, reason);
    let notification = item.id;
    world.stored(item).await;
    (notification, id)
}

fn all(world: &World) -> PendingQuery<'_> {
    PendingQuery {
        tenant: &world.tenant,
        recipient: None,
        reasons: CLOCK,
        from: Timestamp::EPOCH,
        to: Timestamp::MAX,
        after: None,
        limit: 100,
    }
}

async fn page(world: &World, query: PendingQuery<'_>) -> Vec<Delivery> {
    room(world).pending(&query).await.expect("pending")
}

async fn ids(world: &World, query: PendingQuery<'_>) -> Vec<DeliveryId> {
    let found = page(world, query).await;
    found.iter().map(|delivery| delivery.id).collect()
}

/// The request of what is moved: the same for another time.
fn later(world: &World) -> Arc<NotificationRequest> {
    let request = NotificationRequest::new("order_shipped", "orders");
    Arc::new(request.at(world.now() + 9 * HOUR))
}

async fn move_held(world: &World, moved: HeldMove<'_>) -> Vec<bool> {
    let answers = room(world).move_held(&moved).await.expect("move");
    assert_eq!(answers.len(), moved.dues.len(), "one answer for each");
    answers
}

fn to<'a>(
    world: &'a World,
    notification: NotificationId,
    request: &'a Arc<NotificationRequest>,
    dues: &'a [(DeliveryId, Timestamp)],
) -> HeldMove<'a> {
    HeldMove {
        tenant: &world.tenant,
        notification,
        request,
        expires_at: Some(world.now() + 10 * HOUR),
        dues,
        reasons: CLOCK,
        actor: &Actor::Application,
        now: world.now(),
    }
}

pub(super) async fn what_is_held_comes_by_due_time_in_pages(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut placed = Vec::new();
    for hours in [3, 1, 2, 2, 2, 5] {
        let due = world.now() + hours * HOUR;
        let (_, id) = held(&world, due, Reason::Scheduled).await;
        placed.push((due, id));
    }
    placed.sort_unstable();
    let expected: Vec<_> = placed.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids(&world, all(&world)).await, expected);
    let (mut seen, mut after) = (Vec::new(), None);
    for _ in 0..5 {
        let query = PendingQuery {
            after,
            limit: 2,
            ..all(&world)
        };
        let found = page(&world, query).await;
        assert!(found.len() <= 2);
        let Some(last) = found.last() else { break };
        after = Some((last.due_at, last.id));
        seen.extend(found.iter().map(|delivery| delivery.id));
    }
    assert_eq!(seen, expected, "those that are due together, too");
    let span = PendingQuery {
        from: world.now() + 2 * HOUR,
        to: world.now() + 5 * HOUR,
        ..all(&world)
    };
    assert_eq!(ids(&world, span).await, expected[1..5], "not its end");
    let elsewhere = TenantId::new("another");
    let other = PendingQuery {
        tenant: &elsewhere,
        ..all(&world)
    };
    assert!(page(&world, other).await.is_empty());
}

pub(super) async fn what_is_held_for_one_person_comes_alone(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (bob, mut of_bob) = (BOB, Vec::new());
    for (who, hours) in [(BOB, 3), (ADA, 2), (BOB, 1), (BOB, 2)] {
        let due = world.now() + hours * HOUR;
        let (item, id) = held_for(&world, who.clone(), due, Reason::Scheduled);
        world.stored(item).await;
        if who == BOB {
            of_bob.push((due, id));
        }
    }
    of_bob.sort_unstable();
    let query = PendingQuery {
        recipient: Some(&bob),
        ..all(&world)
    };
    let expected: Vec<_> = of_bob.iter().map(|(_, id)| *id).collect();
    assert_eq!(ids(&world, query).await, expected);
    let rest = PendingQuery {
        after: Some(of_bob[0]),
        limit: 1,
        ..query
    };
    assert_eq!(ids(&world, rest).await, expected[1..2]);
    let span = PendingQuery {
        from: world.now() + 2 * HOUR,
        to: world.now() + 3 * HOUR,
        ..query
    };
    assert_eq!(ids(&world, span).await, expected[1..2]);
}

pub(super) async fn only_what_waits_for_a_named_reason_is_pending(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let due = world.now() + HOUR;
    let (_, scheduled) = held(&world, due, Reason::Scheduled).await;
    let (_, quiet) = held(&world, due, Reason::QuietHours).await;
    let (_, limited) = held(&world, due, Reason::RateLimited).await;
    let queued = world.queued().await;
    let mut expected = [scheduled, quiet];
    expected.sort_unstable();
    assert_eq!(ids(&world, all(&world)).await, expected);
    let named = PendingQuery {
        reasons: &[Reason::QuietHours],
        ..all(&world)
    };
    assert_eq!(ids(&world, named).await, [quiet]);
    assert!(![scheduled, quiet].contains(&limited) && queued != limited);
    let by = Actor::Application;
    let (now, cancelled) = (world.now(), Reason::Cancelled);
    let answer = world
        .store
        .cancel(&world.tenant, &[quiet], cancelled, &by, now)
        .await;
    answer.expect("cancel");
    assert_eq!(
        ids(&world, all(&world)).await,
        [scheduled],
        "not what ended"
    );
}

pub(super) async fn what_is_moved_is_due_then_and_says_so(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (soon, late) = (world.now() + HOUR, world.now() + 2 * HOUR);
    let mut item = world.item(Vec::new());
    for (recipient, reason) in [(ADA, Reason::Scheduled), (BOB, Reason::QuietHours)] {
        let mut delivery = world.delivery_to(recipient);
        delivery.decision = Decision::Hold {
            until: soon,
            reason,
        };
        delivery.due = soon;
        item.deliveries.push(delivery);
    }
    let (notification, held) = (item.id, [item.deliveries[0].id, item.deliveries[1].id]);
    world.stored(item).await;
    let (request, now) = (later(&world), world.pass(MINUTE));
    let dues = [(held[0], late), (held[1], soon + MINUTE)];
    let moved = to(&world, notification, &request, &dues);
    assert_eq!(move_held(&world, moved).await, [true, true]);
    for (id, due) in dues {
        let delivery = world.read(id).await;
        assert_eq!(
            (delivery.state, delivery.due_at),
            (DeliveryState::Held, due)
        );
        assert_eq!(delivery.reason, Some(Reason::Scheduled));
        assert_eq!(delivery.request, request);
        assert_eq!(delivery.expires_at, moved.expires_at);
        assert_eq!(delivery.updated_at, now);
        let last = world.timeline(id).await.pop().expect("entries");
        assert_eq!((last.kind, last.at), (EventKind::Held, now));
        assert_eq!(last.reason, Some(Reason::Scheduled));
    }
    world.pass(HOUR - MINUTE);
    assert!(world.claimed().await.is_empty(), "not at the old time");
    world.pass(MINUTE);
    assert_eq!(world.claimed().await, [held[1]]);
    world.pass(HOUR);
    assert_eq!(world.claimed().await, [held[0]]);
}

pub(super) async fn what_is_moved_is_taken_from_whoever_has_it(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (notification, id) = held(&world, world.now() + HOUR, Reason::Scheduled).await;
    world.pass(HOUR);
    let lease = world.lease(id).await;
    let (request, dues) = (later(&world), [(id, world.now() + HOUR)]);
    let moved = to(&world, notification, &request, &dues);
    assert_eq!(move_held(&world, moved).await, [true]);
    assert_eq!(world.begin(&lease).await, crate::queue::Begun::Fenced);
    world.pass(HOUR);
    let again = world.lease(id).await;
    assert!(again.epoch > lease.epoch);
}

pub(super) async fn what_cannot_be_moved_stays_as_it_is(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let due = world.now() + HOUR;
    let (mine, moving) = held(&world, due, Reason::Scheduled).await;
    let (_, limited) = held(&world, due, Reason::RateLimited).await;
    let (_, of_another) = held(&world, due, Reason::Scheduled).await;
    let (sent, lease) = world.sending().await;
    let request = later(&world);
    let until = world.now() + 2 * HOUR;
    let unknown = world.ids.delivery(world.now());
    for id in [limited, of_another, sent, unknown] {
        let before = match world.find(id).await {
            Some(_) => Some(world.picture(id).await),
            None => None,
        };
        let notification = match world.find(id).await {
            Some(delivery) if id != of_another => delivery.notification,
            _ => mine,
        };
        let dues = [(id, until)];
        let moved = to(&world, notification, &request, &dues);
        assert_eq!(move_held(&world, moved).await, [false]);
        if let Some(before) = before {
            assert_eq!(world.picture(id).await, before);
        }
    }
    let elsewhere = TenantId::new("another");
    let dues = [(moving, until)];
    let stranger = HeldMove {
        tenant: &elsewhere,
        ..to(&world, mine, &request, &dues)
    };
    let before = world.picture(moving).await;
    assert_eq!(move_held(&world, stranger).await, [false]);
    assert_eq!(world.picture(moving).await, before);
    let dues = [(unknown, until), (moving, until)];
    let moved = to(&world, mine, &request, &dues);
    assert_eq!(
        move_held(&world, moved).await,
        [false, true],
        "its neighbour"
    );
    let sent = world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(
        sent,
        Settled::Applied,
        "who had something else has it still"
    );
}

pub(super) async fn the_key_of_what_was_moved_stands_for_the_same(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let held = || {
        let (mut item, id) = held_for(&world, ADA, world.now() + HOUR, Reason::Scheduled);
        (item.key, item.request_hash) = (Some(key(1)), request_hash(1));
        (item, id)
    };
    let (item, id) = held();
    let notification = item.id;
    world.stored(item).await;
    let (request, dues) = (later(&world), [(id, world.now() + 2 * HOUR)]);
    let moved = to(&world, notification, &request, &dues);
    assert_eq!(move_held(&world, moved).await, [true]);
    assert_eq!(
        world.accept(held().0).await,
        Accepted::Duplicate(notification)
    );
}

pub(super) async fn what_operators_move_is_audited(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (notification, id) = held(&world, world.now() + HOUR, Reason::Scheduled).await;
    let request = later(&world);
    let dues = [
        (id, world.now() + 2 * HOUR),
        (world.ids.delivery(world.now()), world.now()),
    ];
    let by = Actor::operator("op-1");
    let moved = HeldMove {
        actor: &by,
        ..to(&world, notification, &request, &dues)
    };
    assert_eq!(move_held(&world, moved).await, [true, false]);
    let row = ("delivery.reschedule".to_owned(), id.to_string());
    assert_eq!(world.audited().await, [row]);
}

pub(super) async fn what_was_moved_survives_a_crash(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (notification, id) = held(&world, world.now() + HOUR, Reason::Scheduled).await;
    let until = world.now() + 2 * HOUR;
    let (request, dues) = (later(&world), [(id, until)]);
    let moved = to(&world, notification, &request, &dues);
    assert_eq!(move_held(&world, moved).await, [true]);
    if !harness.durable() {
        return;
    }
    let world = world.reopen(harness).await;
    let delivery = world.read(id).await;
    assert_eq!((delivery.due_at, delivery.request), (until, request));
}
