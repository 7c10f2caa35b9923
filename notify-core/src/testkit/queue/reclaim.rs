//! Clauses: taking back what dead workers had.

use crate::delivery::{DeliveryState, EventKind, Reason};
use crate::queue::{Begun, Release, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{PROVIDER, SECOND, TTL, World};

async fn reclaim(world: &World) -> u64 {
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim")
}

pub(super) async fn reclaim_takes_the_leases_of_dead_owners(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, _lease) = world.lent().await;
    let (sending, _other) = world.sending().await;
    let stranger = [world.stranger()];
    let taken = world
        .store
        .reclaim(&stranger, world.now())
        .await
        .expect("reclaim");
    assert_eq!(taken, 0, "others' leases hold");
    assert_eq!(
        world
            .store
            .reclaim(&[], world.now())
            .await
            .expect("reclaim"),
        0
    );
    let dead = [stranger[0], world.owner];
    assert_eq!(
        world
            .store
            .reclaim(&dead, world.now())
            .await
            .expect("reclaim"),
        2
    );
    assert_eq!(
        world
            .store
            .reclaim(&dead, world.now())
            .await
            .expect("reclaim"),
        0,
        "once"
    );
    assert_eq!(world.state(sending).await.0, DeliveryState::Queued);
    assert_eq!(world.claimed().await, [id, sending]);
    assert_eq!(
        world.kinds(id).await,
        [EventKind::Accepted, EventKind::Reclaimed]
    );
}

pub(super) async fn reclaim_takes_the_leases_that_ended(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (early, _lease) = world.lent().await;
    world.pass(SECOND);
    let (late, _other) = world.sending().await;
    world.pass(TTL - SECOND);
    assert_eq!(
        world
            .store
            .reclaim(&[], world.now())
            .await
            .expect("reclaim"),
        0,
        "not before"
    );
    world.clock.advance(SECOND / 2);
    assert_eq!(
        world
            .store
            .reclaim(&[], world.now())
            .await
            .expect("reclaim"),
        1
    );
    assert_eq!(world.claimed().await, [early]);
    world.pass(SECOND);
    assert_eq!(
        world
            .store
            .reclaim(&[], world.now())
            .await
            .expect("reclaim"),
        1
    );
    assert_eq!(world.claimed().await, [late]);
}

pub(super) async fn a_reclaimed_lease_is_fenced_everywhere(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, late) = world.sending().await;
    reclaim(&world).await;
    for lent_again in [false, true] {
        let lease = if lent_again {
            Some(world.lease(id).await)
        } else {
            None
        };
        let before = world.picture(id).await;
        assert_eq!(world.begin(&late).await, Begun::Fenced);
        assert_eq!(
            world.finish(&late, DeliveryState::Sent).await,
            Settled::Fenced
        );
        assert_eq!(world.retry(&late).await, Settled::Fenced);
        let release = Release {
            lease: &late,
            due: world.now(),
        };
        let released = world.store.release(&[release]).await.expect("release");
        assert_eq!(released, [Settled::Fenced]);
        let asked = [(late.job, late.epoch)];
        let lost = world
            .store
            .extend(world.owner, &asked, world.now(), TTL)
            .await;
        assert_eq!(lost.expect("extend"), [late.job]);
        assert_eq!(world.picture(id).await, before, "nothing changed");
        assert_eq!(lease.map(|lease| lease.epoch), lent_again.then_some(3));
    }
}

pub(super) async fn reclaim_raises_the_epoch_and_counts_a_crash_but_no_call(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    assert_eq!(lease.epoch, 1);
    reclaim(&world).await;
    let lease = world.lease(id).await;
    assert_eq!(
        (lease.epoch, lease.crashes, lease.sends),
        (3, 0, 0),
        "it only waited"
    );
    world.begin(&lease).await;
    reclaim(&world).await;
    let lease = world.lease(id).await;
    assert_eq!((lease.epoch, lease.crashes, lease.sends), (5, 1, 1));
    assert_eq!(
        world.read(id).await.attempts,
        0,
        "what was not settled is no attempt"
    );
}

pub(super) async fn what_was_being_sent_comes_back_as_interrupted_until_it_is_settled(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, _lease) = world.sending().await;
    reclaim(&world).await;
    let lease = world.lease(id).await;
    assert!(lease.interrupted && lease.frozen.is_some());
    let provider = world.read(id).await.provider;
    assert_eq!(
        provider,
        Some(PROVIDER.clone()),
        "it is known who was being called"
    );
    let release = Release {
        lease: &lease,
        due: world.now(),
    };
    world.store.release(&[release]).await.expect("release");
    let lease = world.lease(id).await;
    assert!(lease.interrupted, "nobody found out yet");
    reclaim(&world).await;
    let lease = world.lease(id).await;
    assert!(lease.interrupted, "nor did who died next");
    world.begin(&lease).await;
    world.retry(&lease).await;
    assert!(
        !world.lease(id).await.interrupted,
        "the outcome of the last call is known"
    );
}

pub(super) async fn what_was_not_being_sent_does_not_come_back_as_interrupted(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    world.retry(&lease).await;
    world.lease(id).await;
    reclaim(&world).await;
    let lease = world.lease(id).await;
    assert!(
        !lease.interrupted,
        "it was lent, and no provider was called"
    );
}

pub(super) async fn a_job_that_killed_three_owners_is_poison(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.queued().await;
    for crashes in 0..3 {
        let lease = world.lease(id).await;
        assert_eq!(lease.crashes, crashes);
        assert_eq!(reclaim(&world).await, 1, "what only waits is not to blame");
        let lease = world.lease(id).await;
        assert_eq!(lease.crashes, crashes);
        world.begin(&lease).await;
        assert_eq!(reclaim(&world).await, 1);
    }
    assert!(world.claimed().await.is_empty(), "it is not lent again");
    assert_eq!(
        world.state(id).await,
        (DeliveryState::Dead, Some(Reason::Poison))
    );
    let event = world.timeline(id).await.pop().expect("an event");
    assert_eq!(
        (event.kind, event.reason),
        (EventKind::Dead, Some(Reason::Poison))
    );
    let dead = world
        .store
        .dead_letters(&world.tenant, None, 9)
        .await
        .expect("dead letters");
    assert_eq!(
        dead.iter().map(|delivery| delivery.id).collect::<Vec<_>>(),
        [id]
    );
    assert_eq!(reclaim(&world).await, 0);
}

pub(super) async fn what_was_being_sent_in_a_crash_is_taken_back_after_it(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (sending, late) = world.sending().await;
    let (lent, _lease) = world.lent().await;
    let sent = world.ended(DeliveryState::Sent).await;
    let dead = world.owner;
    let world = world.reopen(harness).await;
    // A store that can prove its former owner dead may have taken the leases back by itself.
    world
        .store
        .reclaim(&[dead], world.now())
        .await
        .expect("reclaim");
    if !harness.durable() {
        assert!(
            world.claimed().await.is_empty(),
            "a store that forgets has nothing to take back"
        );
        assert!(world.find(sent).await.is_none());
        return;
    }
    let mut leases = world.claim(9).await;
    leases.sort_by_key(|lease| lease.job);
    let jobs: Vec<_> = leases
        .iter()
        .filter_map(|lease| lease.job.delivery())
        .collect();
    assert_eq!(jobs, [sending, lent]);
    assert_eq!(
        leases.iter().map(|l| l.interrupted).collect::<Vec<_>>(),
        [true, false]
    );
    let crashes = leases.iter().map(|lease| (lease.epoch, lease.crashes));
    assert_eq!(crashes.collect::<Vec<_>>(), [(3, 1), (3, 0)]);
    assert_eq!(
        world.finish(&late, DeliveryState::Sent).await,
        Settled::Fenced
    );
    assert_eq!(world.state(sent).await.0, DeliveryState::Sent);
}
