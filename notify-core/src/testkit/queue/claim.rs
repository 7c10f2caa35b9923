//! Clauses: lending, giving back, prolonging.

use std::sync::Arc;

use crate::clock::Clock as _;
use crate::delivery::DeliveryState;
use crate::id::{ChannelId, DeliveryId, TenantId};
use crate::notification::Priority;
use crate::queue::{Begun, Job, LaneClaim, Lease, Release, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, SECOND, TTL, World, at_once};

/// A delivery in this lane.
async fn in_lane(world: &World, priority: Priority, channel: ChannelId) -> DeliveryId {
    let mut delivery = world.delivery();
    let id = delivery.id;
    delivery.channel = channel;
    let mut item = world.item(vec![delivery]);
    item.priority = priority;
    world.stored(item).await;
    id
}

async fn claim(world: &World, lanes: &[(Priority, ChannelId, u32)]) -> Vec<Lease> {
    let lane = |(priority, channel, limit): &(Priority, ChannelId, u32)| LaneClaim {
        priority: *priority,
        channel: channel.clone(),
        limit: *limit,
    };
    let claim = world.claim_of(world.owner, lanes.iter().map(lane).collect());
    world.store.claim(&claim).await.expect("claim")
}

async fn release(world: &World, lease: &Lease) -> Settled {
    let release = Release {
        lease,
        due: world.now(),
    };
    world
        .store
        .release(&[release])
        .await
        .expect("release")
        .remove(0)
}

pub(super) async fn claim_lends_nothing_that_is_not_due(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut ids = Vec::new();
    for minutes in [2, 0, 1] {
        let mut delivery = world.delivery();
        delivery.due = world.now() + minutes * MINUTE;
        ids.push(delivery.id);
        world.stored(world.item(vec![delivery])).await;
    }
    assert_eq!(world.claimed().await, [ids[1]]);
    world.pass(MINUTE);
    assert_eq!(world.claimed().await, [ids[2]]);
    world.pass(MINUTE - SECOND);
    assert!(world.claimed().await.is_empty());
    world.pass(SECOND);
    assert_eq!(world.claimed().await, [ids[0]]);
}

pub(super) async fn claim_lends_of_each_lane_at_most_what_was_asked(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (high, low) = (Priority::High, Priority::Low);
    for _ in 0..5 {
        in_lane(&world, high, ChannelId::EMAIL).await;
        in_lane(&world, low, ChannelId::SMS).await;
    }
    let leases = claim(
        &world,
        &[(high, ChannelId::EMAIL, 2), (low, ChannelId::SMS, 3)],
    )
    .await;
    let count = |priority| {
        leases
            .iter()
            .filter(|lease| lease.priority == priority)
            .count()
    };
    assert_eq!((leases.len(), count(high), count(low)), (5, 2, 3));
    let none = claim(&world, &[(high, ChannelId::EMAIL, 0)]).await;
    assert!(none.is_empty());
    let rest = claim(
        &world,
        &[(high, ChannelId::EMAIL, 9), (low, ChannelId::SMS, 9)],
    )
    .await;
    assert_eq!(rest.len(), 5);
}

pub(super) async fn claim_leaves_other_lanes_alone(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    for priority in Priority::ALL {
        in_lane(&world, priority, ChannelId::EMAIL).await;
        in_lane(&world, priority, ChannelId::new("chat.unheard_of")).await;
    }
    for channel in [ChannelId::EMAIL, ChannelId::new("chat.unheard_of")] {
        for priority in Priority::ALL {
            let leases = claim(&world, &[(priority, channel.clone(), 9)]).await;
            let lanes: Vec<_> = leases
                .iter()
                .map(|l| (l.priority, l.channel.clone()))
                .collect();
            assert_eq!(lanes, [(priority, channel.clone())]);
        }
    }
    assert!(
        claim(&world, &[(Priority::Normal, ChannelId::PUSH, 9)])
            .await
            .is_empty()
    );
}

pub(super) async fn a_job_is_lent_to_one_owner_at_a_time(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    let lane = World::lane(ChannelId::EMAIL, 9);
    let other = world.claim_of(world.stranger(), vec![lane]);
    assert!(world.store.claim(&other).await.expect("claim").is_empty());
    world.begin(&lease).await;
    assert!(world.store.claim(&other).await.expect("claim").is_empty());
    world.pass(HOUR);
    assert!(
        world.claimed().await.is_empty(),
        "a loan ends by `reclaim` only"
    );
    world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(world.state(id).await.0, DeliveryState::Sent);
}

pub(super) async fn claimers_at_once_get_each_job_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let deliveries: Vec<_> = (0..100)
        .map(|no| world.delivery_to(format!("person-{no}")))
        .collect();
    let mut ids: Vec<_> = deliveries
        .iter()
        .map(|delivery| Job::deliver(delivery.id))
        .collect();
    world.stored(world.item(deliveries)).await;
    let leases = at_once(8, |_| {
        let claim = world.claim_of(world.stranger(), vec![World::lane(ChannelId::EMAIL, 20)]);
        let store = Arc::clone(&world.store);
        async move { store.claim(&claim).await.expect("claim") }
    });
    let leases: Vec<_> = leases.await.into_iter().flatten().collect();
    assert!(leases.iter().all(|lease| lease.epoch == 1));
    let mut lent: Vec<_> = leases.iter().map(|lease| lease.job).collect();
    let rest = world.claim(100).await;
    assert!(rest.iter().all(|lease| lease.epoch == 1));
    lent.extend(rest.iter().map(|lease| lease.job));
    lent.sort_unstable();
    ids.sort_unstable();
    assert_eq!(lent, ids);
}

pub(super) async fn each_claim_raises_the_epoch_by_one(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.queued().await;
    for epoch in 1..=4 {
        let lease = world.lease(id).await;
        assert_eq!(lease.epoch, epoch);
        assert_eq!(release(&world, &lease).await, Settled::Applied);
    }
}

pub(super) async fn what_is_due_earlier_is_lent_earlier(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut expected = Vec::new();
    for minutes in [3, 1, 4, 0, 5, 2] {
        let mut delivery = world.delivery();
        delivery.due = world.now() + minutes * MINUTE;
        expected.push((delivery.due, Job::deliver(delivery.id)));
        world.stored(world.item(vec![delivery])).await;
    }
    expected.sort();
    world.pass(HOUR);
    let mut lent = Vec::new();
    for limit in [2, 1, 9] {
        lent.extend(world.claim(limit).await.iter().map(|lease| lease.job));
    }
    let expected: Vec<_> = expected.into_iter().map(|(_, job)| job).collect();
    assert_eq!(lent, expected);
}

pub(super) async fn a_lease_says_whose_job_it_is_and_how_long_it_holds(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (mut item, id) = world.one();
    item.tenant = TenantId::new("umbrella");
    item.priority = Priority::Critical;
    world.stored(item).await;
    let lane = LaneClaim {
        priority: Priority::Critical,
        channel: ChannelId::EMAIL,
        limit: 1,
    };
    let mut claim = world.claim_of(world.owner, vec![lane]);
    claim.asked_at = world.clock.monotonic() + SECOND;
    let leases = world.store.claim(&claim).await.expect("claim");
    let [lease] = &leases[..] else {
        panic!("one lease, not {}", leases.len());
    };
    assert_eq!(
        (lease.tenant.as_str(), lease.job),
        ("umbrella", Job::deliver(id))
    );
    assert_eq!(
        (lease.priority, &lease.channel),
        (Priority::Critical, &ChannelId::EMAIL)
    );
    assert_eq!((lease.epoch, lease.sends, lease.crashes), (1, 0, 0));
    assert_eq!(
        lease.until,
        claim.asked_at + TTL,
        "by the caller's clock, from before it asked"
    );
    assert!(!lease.interrupted && lease.frozen.is_none() && lease.payload.is_empty());
}

pub(super) async fn a_released_job_is_as_it_was(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    world.retry(&lease).await;
    let first = world.lease(id).await;
    let due = world.now() + MINUTE;
    let released = world.store.release(&[Release { lease: &first, due }]).await;
    assert_eq!(released.expect("release"), [Settled::Applied]);
    assert_eq!(world.read(id).await.due_at, due);
    assert!(
        world.claimed().await.is_empty(),
        "not before it is due again"
    );
    world.pass(MINUTE);
    let second = world.lease(id).await;
    assert_eq!((second.epoch, second.sends, second.crashes), (3, 1, 0));
    assert!(!second.interrupted);
    assert_eq!(second.frozen, first.frozen);
    assert_eq!(world.read(id).await.attempts, 1, "no call is counted");
}

pub(super) async fn release_asked_again_is_applied(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    for _ in 0..3 {
        assert_eq!(release(&world, &lease).await, Settled::Applied);
    }
    assert_eq!(world.lease(id).await.epoch, 2);
}

pub(super) async fn release_of_a_lost_lease_is_fenced(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, old) = world.lent().await;
    release(&world, &old).await;
    let new = world.lease(id).await;
    let before = world.picture(id).await;
    assert_eq!(release(&world, &old).await, Settled::Fenced);
    assert_eq!(world.picture(id).await, before);
    assert!(world.claimed().await.is_empty(), "it is still lent");
    assert_eq!(world.begin(&new).await, Begun::Go);
}

pub(super) async fn what_was_begun_is_not_given_back(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let before = world.picture(id).await;
    assert_eq!(release(&world, &lease).await, Settled::Fenced);
    assert_eq!(world.picture(id).await, before);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
}

pub(super) async fn extend_prolongs_and_names_what_is_lost(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    for _ in 0..4 {
        world.queued().await;
    }
    let leases = world.claim(4).await;
    let [kept, sending, lost, left] = &leases[..] else {
        panic!("four leases, not {}", leases.len());
    };
    assert_eq!(world.begin(sending).await, Begun::Go);
    release(&world, lost).await;
    let name = |lease: &Lease| (lease.job, lease.epoch);
    let asked = [
        name(kept),
        name(sending),
        name(lost),
        (left.job, left.epoch + 1),
    ];
    world.pass(TTL - SECOND);
    let answer = world
        .store
        .extend(world.owner, &asked, world.now(), TTL)
        .await
        .expect("extend");
    assert_eq!(answer, [lost.job, left.job]);
    let stranger = world.stranger();
    let answer = world
        .store
        .extend(stranger, &[name(kept)], world.now(), HOUR)
        .await;
    assert_eq!(
        answer.expect("extend"),
        [kept.job],
        "another's lease is not theirs"
    );

    world.pass(TTL - SECOND);
    let taken = world
        .store
        .reclaim(&[], world.now())
        .await
        .expect("reclaim");
    assert_eq!(taken, 1, "what was not prolonged has ended");
    assert_eq!(world.begin(kept).await, Begun::Go);
    assert_eq!(
        world.finish(sending, DeliveryState::Sent).await,
        Settled::Applied
    );
    assert_eq!(world.begin(left).await, Begun::Fenced);
}
