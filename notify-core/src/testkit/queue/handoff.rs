//! Clauses: deliveries that are lent to the caller's process in the commit that stores them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::clock::{Clock as _, Timestamp};
use crate::delivery::{Decision, Delivery, DeliveryState, DeliveryStore, Reason};
use crate::id::{ChannelId, DeliveryId};
use crate::notification::Priority;
use crate::queue::{
    Acceptance, Accepted, Begun, Handoff, Job, Lease, NewDelivery, Premise, Settled,
};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, SECOND, TTL, World, key, request_hash};

/// A delivery with a handoff, and where the lease arrives, which is closed when the handoff is dropped.
fn handed_over(world: &World) -> (NewDelivery, Receiver<Lease>) {
    let (send, receive) = channel();
    let mut delivery = world.delivery();
    delivery.handoff = Some(Handoff::new(world.owner, TTL, move |lease| {
        send.send(lease).expect("the test listens");
    }));
    (delivery, receive)
}

fn one(world: &World) -> (Acceptance, DeliveryId, Receiver<Lease>) {
    let (delivery, leases) = handed_over(world);
    let id = delivery.id;
    (world.item(vec![delivery]), id, leases)
}

pub(super) async fn a_handoff_is_called_once_after_the_commit_with_epoch_1(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    // When it is called, a reader finds the delivery.
    let (send, receive) = channel::<(Lease, JoinHandle<Option<Delivery>>)>();
    let (store, runtime) = (Arc::clone(&world.store), Handle::current());
    let mut delivery = world.delivery();
    let id = delivery.id;
    delivery.handoff = Some(Handoff::new(world.owner, TTL, move |lease| {
        let read = async move {
            DeliveryStore::load(&*store, &[id])
                .await
                .expect("load")
                .remove(0)
        };
        let _ = send.send((lease, runtime.spawn(read)));
    }));
    let until = world.clock.monotonic() + TTL;
    world.stored(world.item(vec![delivery])).await;
    let (lease, read) = receive
        .try_recv()
        .expect("handed over when `accept` returns");
    let read = read
        .await
        .expect("read")
        .expect("it is stored before it is handed over");
    assert_eq!(read.state, DeliveryState::Queued);
    assert_eq!((lease.job, lease.epoch), (Job::deliver(id), 1));
    assert_eq!(
        (&lease.tenant, &lease.channel),
        (&world.tenant, &ChannelId::EMAIL)
    );
    assert_eq!((lease.priority, lease.until), (Priority::Normal, until));
    assert_eq!(
        (lease.sends, lease.crashes, lease.interrupted),
        (0, 0, false)
    );
    assert!(receive.try_recv().is_err(), "once");
    assert_eq!(world.begin(&lease).await, Begun::Go);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
    assert_eq!(world.state(id).await.0, DeliveryState::Sent);
}

pub(super) async fn a_handoff_is_dropped_if_nothing_was_stored(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (taken, _) = world.keyed(key(1), request_hash(1));
    world.stored(taken).await;
    let (mut duplicate, _, of_duplicate) = one(&world);
    (duplicate.key, duplicate.request_hash) = (Some(key(1)), request_hash(1));
    let (mut conflict, _, of_conflict) = one(&world);
    (conflict.key, conflict.request_hash) = (Some(key(1)), request_hash(2));
    let (mut stale, _, of_stale) = one(&world);
    stale.premises = vec![Premise::NotExpired {
        at: Timestamp::EPOCH,
    }];
    let answers = world.accept_all(vec![duplicate, conflict, stale]).await;
    assert!(!answers.contains(&Accepted::New));
    for leases in [of_duplicate, of_conflict, of_stale] {
        let gone = leases.try_recv().err();
        assert_eq!(
            gone,
            Some(std::sync::mpsc::TryRecvError::Disconnected),
            "dropped, not called"
        );
    }
}

pub(super) async fn a_handoff_of_what_is_not_to_be_sent_at_once_is_dropped(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (mut suppressed, of_suppressed) = handed_over(&world);
    suppressed.decision = Decision::Suppress {
        reason: Reason::OptedOut,
    };
    let (mut held, of_held) = handed_over(&world);
    held.due = world.now() + HOUR;
    held.decision = Decision::Hold {
        until: held.due,
        reason: Reason::Scheduled,
    };
    let (mut later, of_later) = handed_over(&world);
    later.due = world.now() + SECOND;
    let waiting = [held.id, later.id];
    world
        .stored(world.item(vec![suppressed, held, later]))
        .await;
    for leases in [of_suppressed, of_held, of_later] {
        assert!(leases.try_recv().is_err(), "not called");
    }
    world.pass(HOUR);
    assert_eq!(world.claimed().await, waiting, "they wait like all others");
}

pub(super) async fn nobody_else_claims_what_was_handed_over(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (item, id, leases) = one(&world);
    world.stored(item).await;
    assert!(world.claimed().await.is_empty());
    world.pass(TTL - SECOND);
    world
        .store
        .reclaim(&[], world.now())
        .await
        .expect("reclaim");
    assert!(world.claimed().await.is_empty(), "the loan has not ended");
    let lease = leases.try_recv().expect("handed over");
    let lost = world
        .store
        .extend(world.owner, &[(lease.job, 1)], world.now(), TTL)
        .await;
    assert!(
        lost.expect("extend").is_empty(),
        "it can be prolonged like any other"
    );
    assert_eq!(world.read(id).await.state, DeliveryState::Queued);
}

pub(super) async fn what_was_handed_over_is_taken_back_when_its_loan_ended(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (item, id, leases) = one(&world);
    world.stored(item).await;
    let late = leases.try_recv().expect("handed over");
    world.pass(TTL + SECOND);
    assert_eq!(
        world
            .store
            .reclaim(&[], world.now())
            .await
            .expect("reclaim"),
        1
    );
    let lease = world.lease(id).await;
    assert_eq!((lease.epoch, lease.crashes), (3, 0));
    assert_eq!(world.begin(&late).await, Begun::Fenced);
    assert_eq!(world.begin(&lease).await, Begun::Go);
}

pub(super) async fn what_was_handed_over_holds_for_as_long_as_its_lease_says(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (mut item, id, leases) = one(&world);
    item.accepted_at = world.now();
    // Planning took its time.
    world.pass(10 * SECOND);
    world.stored(item).await;
    let lease = leases.try_recv().expect("handed over");
    let left = lease.until.since(world.clock.monotonic());
    assert!(left > TTL / 2 && left <= TTL, "{left:?}");
    world.pass(left);
    let taken = world.store.reclaim(&[], world.now()).await;
    assert_eq!(
        taken.expect("reclaim"),
        0,
        "its holder may still rely on it"
    );
    assert_eq!(world.begin(&lease).await, Begun::Go);
    assert_eq!(world.read(id).await.state, DeliveryState::Sending);
}
