//! Clauses: what became of a job on loan.

use std::sync::Arc;

use crate::address::Address;
use crate::delivery::{DeliveryState, EventKind, Reason, Target, TargetState};
use crate::error::ErrorKind;
use crate::id::ChannelId;
use crate::provider::{Fault, Price};
use crate::queue::{Begun, Job, JobKind, NewJob, Outcome, Settled, Settlement};
use crate::recipient::Recipient;
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, PROVIDER, World, frozen};

pub(super) async fn settle_writes_state_event_and_details_together(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let (due, now) = (world.now() + MINUTE, world.pass(MINUTE / 2));
    let fault = Fault::provider("503");
    let mut again = world.settlement(&lease, Outcome::Again { due, held: false });
    (again.reason, again.fault) = (Some(Reason::Retry), Some(&fault));
    assert_eq!(world.settle(again).await, Settled::Applied);
    let delivery = world.read(id).await;
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Queued, Some(Reason::Retry))
    );
    assert_eq!(
        (delivery.attempts, delivery.due_at, delivery.updated_at),
        (1, due, now)
    );
    assert_eq!(
        (delivery.provider, delivery.fault),
        (Some(PROVIDER.clone()), Some(fault.clone()))
    );

    let sent_at = world.pass(MINUTE);
    let lease = world.lease(id).await;
    world.begin(&lease).await;
    let mut sent = world.settlement(&lease, Outcome::Finished(DeliveryState::Sent));
    sent.message_id = Some("m-1");
    let cost = (Price::new(7_500, "USD"), Some(2));
    (sent.price, sent.segments) = cost;
    assert_eq!(world.settle(sent).await, Settled::Applied);
    let delivery = world.read(id).await;
    assert_eq!(
        (delivery.state, delivery.reason),
        (DeliveryState::Sent, None)
    );
    assert_eq!((delivery.attempts, delivery.updated_at), (2, sent_at));
    assert_eq!(delivery.message_id.as_deref(), Some("m-1"));

    let timeline = world.timeline(id).await;
    let kinds: Vec<_> = timeline
        .iter()
        .map(|event| (event.kind, event.attempt))
        .collect();
    let expected = [
        (EventKind::Accepted, None),
        (EventKind::Deferred, Some(1)),
        (EventKind::Sent, Some(2)),
    ];
    assert_eq!(kinds, expected);
    let (deferred, sent) = (&timeline[1], &timeline[2]);
    assert_eq!((deferred.at, deferred.reason), (now, Some(Reason::Retry)));
    assert_eq!(
        (&deferred.provider, &deferred.fault),
        (&Some(PROVIDER.clone()), &Some(fault))
    );
    assert_eq!(
        (sent.at, sent.message_id.as_deref()),
        (sent_at, Some("m-1"))
    );
    assert_eq!((deferred.price, deferred.segments), (None, None));
    assert_eq!((sent.price, sent.segments), cost);
}

pub(super) async fn settle_asked_again_is_applied_and_written_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (again, lease) = world.sending().await;
    let due = world.now() + HOUR;
    let settlement = world.settlement(&lease, Outcome::Again { due, held: false });
    for _ in 0..3 {
        assert_eq!(world.settle(settlement).await, Settled::Applied);
    }
    assert_eq!(
        world.kinds(again).await,
        [EventKind::Accepted, EventKind::Deferred]
    );

    let (ended, lease) = world.sending().await;
    for _ in 0..3 {
        assert_eq!(
            world.finish(&lease, DeliveryState::Sent).await,
            Settled::Applied
        );
    }
    assert_eq!(
        world.kinds(ended).await,
        [EventKind::Accepted, EventKind::Sent]
    );

    let (both, lease) = world.sending().await;
    let settlement = world.settlement(&lease, Outcome::Finished(DeliveryState::Sent));
    let answers = world
        .store
        .settle(&[settlement, settlement])
        .await
        .expect("settle");
    assert_eq!(answers, [Settled::Applied; 2], "within one call too");
    assert_eq!(
        world.kinds(both).await,
        [EventKind::Accepted, EventKind::Sent]
    );
}

pub(super) async fn settle_asked_again_after_the_job_was_lent_anew_changes_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, first) = world.sending().await;
    assert_eq!(world.retry(&first).await, Settled::Applied);
    let second = world.lease(id).await;
    assert_eq!(world.begin(&second).await, Begun::Go);
    let before = world.picture(id).await;
    assert_eq!(
        world.retry(&first).await,
        Settled::Applied,
        "it was applied before"
    );
    assert_eq!(world.picture(id).await, before);
    assert_eq!(
        world.finish(&second, DeliveryState::Sent).await,
        Settled::Applied
    );
    assert_eq!(world.state(id).await.0, DeliveryState::Sent);
}

pub(super) async fn settle_with_a_lost_lease_is_fenced_and_changes_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, late) = world.sending().await;
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim");
    let before = world.picture(id).await;
    assert_eq!(
        world.finish(&late, DeliveryState::Failed).await,
        Settled::Fenced
    );
    assert_eq!(world.picture(id).await, before, "taken back");
    let lease = world.lease(id).await;
    world.begin(&lease).await;
    let (other, neighbour) = world.sending().await;
    let before = (world.read(id).await, world.timeline(id).await);
    let settlements = [
        world.settlement(&late, Outcome::Finished(DeliveryState::Failed)),
        world.settlement(&neighbour, Outcome::Finished(DeliveryState::Sent)),
    ];
    let answers = world.store.settle(&settlements).await.expect("settle");
    assert_eq!(
        answers,
        [Settled::Fenced, Settled::Applied],
        "a neighbour is not affected"
    );
    assert_eq!(world.state(other).await.0, DeliveryState::Sent);
    let after = (world.read(id).await, world.timeline(id).await);
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
    assert_eq!(
        world.finish(&late, DeliveryState::Failed).await,
        Settled::Fenced,
        "ended"
    );
    assert_eq!(world.state(id).await.0, DeliveryState::Sent);
}

pub(super) async fn an_illegal_settlement_is_refused_and_nothing_of_the_call_is_stored(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let (other, neighbour) = world.sending().await;
    let before = (world.picture(id).await, world.picture(other).await);
    for state in [
        DeliveryState::Delivered,
        DeliveryState::Bounced,
        DeliveryState::Merged,
        DeliveryState::Sending,
        DeliveryState::Queued,
        DeliveryState::Held,
    ] {
        let settlements = [
            world.settlement(&neighbour, Outcome::Finished(DeliveryState::Sent)),
            world.settlement(&lease, Outcome::Finished(state)),
        ];
        let error = world
            .store
            .settle(&settlements)
            .await
            .expect_err("a worker may not");
        assert_eq!(error.kind(), ErrorKind::Unexpected, "{state}");
        let after = (world.picture(id).await, world.picture(other).await);
        assert_eq!(after, before, "{state}");
    }
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
    assert_eq!(
        world.finish(&neighbour, DeliveryState::Sent).await,
        Settled::Applied
    );
}

pub(super) async fn a_settlement_without_a_call_ends_what_was_not_begun(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    let outcome = Outcome::Finished(DeliveryState::Suppressed);
    let mut settlement = Settlement::new(&lease, outcome, EventKind::Suppressed, world.now());
    settlement.reason = Some(Reason::OptedOut);
    assert_eq!(world.settle(settlement).await, Settled::Applied);
    assert_eq!(
        world.state(id).await,
        (DeliveryState::Suppressed, Some(Reason::OptedOut))
    );
    let event = world.timeline(id).await.pop().expect("an event");
    assert_eq!(
        (event.kind, event.attempt, event.provider),
        (EventKind::Suppressed, None, None)
    );
    assert_eq!(event.reason, Some(Reason::OptedOut));
    assert_eq!(world.read(id).await.attempts, 0);
}

pub(super) async fn again_makes_a_job_due_at_that_time_for_anyone(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    for held in [false, true] {
        let (id, lease) = world.sending().await;
        let due = world.now() + MINUTE;
        let mut settlement = world.settlement(&lease, Outcome::Again { due, held });
        settlement.reason = Some(if held {
            Reason::QuietHours
        } else {
            Reason::Retry
        });
        world.settle(settlement).await;
        let expected = if held {
            DeliveryState::Held
        } else {
            DeliveryState::Queued
        };
        assert_eq!(world.state(id).await, (expected, settlement.reason));
        assert_eq!(world.read(id).await.due_at, due);
        assert!(world.claimed().await.is_empty());
        world.pass(MINUTE);
        let stranger = world.claim_of(world.stranger(), vec![World::lane(ChannelId::EMAIL, 9)]);
        let leases = world.store.claim(&stranger).await.expect("claim");
        assert_eq!(
            leases.iter().map(|l| (l.job, l.epoch)).collect::<Vec<_>>(),
            [(lease.job, 2)]
        );
    }
}

pub(super) async fn finished_takes_a_job_out_of_the_queue(harness: &dyn StoreHarness) {
    use DeliveryState::{Cancelled, Dead, Expired, Failed, Parked, Sent, Suppressed};
    let world = World::open(harness).await;
    for state in [Sent, Failed, Dead, Parked, Expired, Cancelled, Suppressed] {
        let id = world.ended(state).await;
        assert_eq!(world.state(id).await.0, state);
        world.pass(HOUR);
        assert_eq!(
            world
                .store
                .reclaim(&[world.owner], world.now())
                .await
                .expect("reclaim"),
            0
        );
        assert!(world.claimed().await.is_empty(), "{state}");
    }
}

pub(super) async fn settle_of_a_job_that_is_no_delivery_ends_it(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let first = world.other_job(Job::new(JobKind::Other(200), 7)).await;
    let settle = async |lease, outcome| {
        let settlement = Settlement::new(lease, outcome, EventKind::Sent, world.now());
        world.settle(settlement).await
    };
    let again = Outcome::Again {
        due: world.now(),
        held: false,
    };
    assert_eq!(settle(&first, again).await, Settled::Applied);
    let lease = world
        .claim_lane(NewJob::CHANNEL, 1)
        .await
        .pop()
        .expect("a job");
    assert_eq!((lease.epoch, lease.payload.as_slice()), (2, &b"0"[..]));
    let done = Outcome::Finished(DeliveryState::Sent);
    assert_eq!(settle(&lease, done).await, Settled::Applied);
    assert_eq!(settle(&lease, done).await, Settled::Applied, "asked again");
    world.pass(HOUR);
    assert!(world.claim_lane(NewJob::CHANNEL, 1).await.is_empty());
}

pub(super) async fn targets_that_were_settled_come_with_the_next_lease(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let mut targets = frozen();
    let failed = TargetState::Failed {
        fault: Fault::recipient("5.1.1"),
    };
    targets.targets[0].state = TargetState::Sent {
        message_id: Some("m-1".to_owned()),
    };
    targets
        .targets
        .push(Target::new(1, Address::device("token")));
    targets
        .targets
        .push(Target::new(2, Address::device("gone")));
    targets.targets[2].state = failed;
    let outcome = Outcome::Again {
        due: world.now(),
        held: false,
    };
    let mut settlement = world.settlement(&lease, outcome);
    settlement.frozen = Some(&targets);
    world.settle(settlement).await;
    assert_eq!(world.lease(id).await.frozen.as_deref(), Some(&targets));
}

pub(super) async fn a_recipient_of_the_call_is_erased_when_the_delivery_ends(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let recipient = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_attribute("name", "Ada");
    for (state, is_kept) in [
        (DeliveryState::Sent, false),
        (DeliveryState::Failed, false),
        (DeliveryState::Expired, false),
        (DeliveryState::Dead, true),
        (DeliveryState::Parked, true),
    ] {
        let mut delivery = world.delivery();
        let id = delivery.id;
        delivery.pinned = Some(Arc::new(recipient.clone()));
        world.stored(world.item(vec![delivery])).await;
        let lease = world.lease(id).await;
        assert_eq!(
            world.read(id).await.pinned.as_deref(),
            Some(&recipient),
            "while it is open"
        );
        world.begin(&lease).await;
        world.finish(&lease, state).await;
        assert_eq!(world.read(id).await.pinned.is_some(), is_kept, "{state}");
    }
}
