//! Clauses: the commit before the first byte.

use crate::audit::Actor;
use crate::delivery::{DeliveryState, Reason};
use crate::id::ChannelId;
use crate::preference::{AddressHash, Suppression, SuppressionScope, SuppressionSource};
use crate::queue::{Begun, Premise, Release, Settled, Start};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, PROVIDER, World, frozen};

pub(super) async fn begin_makes_a_delivery_sending(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    assert_eq!(
        world.state(id).await.0,
        DeliveryState::Queued,
        "lent is not yet sending"
    );
    assert_eq!(world.begin(&lease).await, Begun::Go);
    let delivery = world.read(id).await;
    assert_eq!(
        (delivery.state, delivery.provider),
        (DeliveryState::Sending, Some(PROVIDER.clone()))
    );
}

pub(super) async fn begin_counts_one_call_and_keeps_what_is_frozen(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, mut lease) = world.lent().await;
    for sends in 0..3 {
        assert_eq!(lease.sends, sends);
        assert_eq!(lease.frozen.is_some(), sends > 0);
        assert_eq!(world.begin(&lease).await, Begun::Go);
        world.retry(&lease).await;
        lease = world.lease(id).await;
        assert_eq!(lease.frozen.as_deref(), Some(&frozen()));
    }
}

pub(super) async fn begin_asked_again_is_go_and_counts_once(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    assert_eq!(world.begin(&lease).await, Begun::Go);
    let before = world.picture(id).await;
    for _ in 0..3 {
        assert_eq!(world.begin(&lease).await, Begun::Go);
    }
    assert_eq!(world.picture(id).await, before);
    world.retry(&lease).await;
    assert_eq!(world.lease(id).await.sends, 1);
}

pub(super) async fn begin_asked_again_is_go_whatever_changed_since(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    let address = AddressHash::from_bytes([1; 32]);
    let premises = [
        Premise::NotExpired {
            at: world.now() + MINUTE,
        },
        Premise::Cap {
            key: [1; 32],
            max: 1,
            window: HOUR,
            counted_as: id,
        },
        Premise::NotSuppressed {
            channel: ChannelId::EMAIL,
            address: *address.as_bytes(),
            marketing: false,
        },
    ];
    assert_eq!(world.begin_if(&lease, &premises).await, Begun::Go);
    world.pass(MINUTE);
    let (scope, source) = (SuppressionScope::All, SuppressionSource::Bounce);
    let entry = Suppression::new(ChannelId::EMAIL, address, scope, source, world.now());
    world
        .store
        .suppress(&world.tenant, &[entry], &Actor::Application)
        .await
        .expect("suppress");
    // The call may be under way: the answer is about the commit that was made.
    assert_eq!(world.begin_if(&lease, &premises).await, Begun::Go);
    assert_eq!(
        world.finish(&lease, DeliveryState::Sent).await,
        Settled::Applied
    );
}

pub(super) async fn begin_with_a_lost_lease_is_fenced_and_changes_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, old) = world.lent().await;
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim");
    let before = world.picture(id).await;
    assert_eq!(world.begin(&old).await, Begun::Fenced, "taken back");
    assert_eq!(world.picture(id).await, before);
    let new = world.lease(id).await;
    let before = world.picture(id).await;
    let cap = Premise::Cap {
        key: [1; 32],
        max: 1,
        window: HOUR,
        counted_as: id,
    };
    assert_eq!(
        world.begin_if(&old, &[cap]).await,
        Begun::Fenced,
        "lent to another"
    );
    assert_eq!(world.picture(id).await, before);
    let stranger = world.ids.delivery(world.now());
    let cap = Premise::Cap {
        key: [1; 32],
        max: 1,
        window: HOUR,
        counted_as: stranger,
    };
    assert_eq!(
        world.begin_if(&new, &[cap]).await,
        Begun::Go,
        "the fenced begin counted nothing"
    );
    assert_eq!(
        world.begin(&old).await,
        Begun::Fenced,
        "being sent by another"
    );
    world.retry(&new).await;
    assert_eq!(world.lease(id).await.sends, 1);
}

pub(super) async fn begin_after_the_loan_was_given_back_is_fenced(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    let release = Release {
        lease: &lease,
        due: world.now(),
    };
    world.store.release(&[release]).await.expect("release");
    assert_eq!(world.begin(&lease).await, Begun::Fenced, "released");
    let lease = world.lease(id).await;
    world.begin(&lease).await;
    world.retry(&lease).await;
    assert_eq!(
        world.begin(&lease).await,
        Begun::Fenced,
        "settled to try again"
    );
    let lease = world.lease(id).await;
    world.begin(&lease).await;
    world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(world.begin(&lease).await, Begun::Fenced, "ended");
    assert_eq!(world.state(id).await, (DeliveryState::Sent, None::<Reason>));
}

pub(super) async fn each_start_of_a_batch_has_its_own_answer(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let ids = [
        world.queued().await,
        world.queued().await,
        world.queued().await,
    ];
    let mut leases = world.claim(3).await;
    leases.sort_by_key(|lease| lease.job);
    let release = Release {
        lease: &leases[0],
        due: world.now() + HOUR,
    };
    world.store.release(&[release]).await.expect("release");
    let over = [Premise::NotExpired { at: world.now() }];
    let (provider, frozen, now) = (&PROVIDER, &frozen(), world.now());
    let premises: [&[Premise]; 3] = [&[], &over, &[]];
    let start = |(lease, premises)| Start {
        lease,
        provider,
        frozen,
        premises,
        now,
    };
    let starts: Vec<_> = leases.iter().zip(premises).map(start).collect();
    let begun = world.store.begin(&starts).await.expect("begin");
    let refused = Begun::Refused {
        premise: over[0].clone(),
        retry_at: None,
    };
    assert_eq!(begun, [Begun::Fenced, refused, Begun::Go]);
    let mut states = Vec::new();
    for id in ids {
        states.push(world.state(id).await.0);
    }
    use DeliveryState::{Queued, Sending};
    assert_eq!(states, [Queued, Queued, Sending]);
}
