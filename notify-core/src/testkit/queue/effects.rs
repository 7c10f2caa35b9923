//! Clauses: what a settlement does to others in the same commit.

use crate::delivery::{Decision, DeliveryState, EventKind, Reason};
use crate::id::{ChannelId, DeliveryId, TenantId};
use crate::preference::{AddressHash, SuppressionScope, SuppressionSource};
use crate::queue::{Begun, Effect, Lease, Outcome, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::world::{HOUR, MINUTE, World};

const ADDRESS: AddressHash = AddressHash::from_bytes([9; 32]);

/// A step that waits for another, for an hour at most.
async fn waiting(world: &World, tenant: &TenantId) -> DeliveryId {
    let mut step = world.delivery();
    let id = step.id;
    step.due = world.now() + HOUR;
    step.decision = Decision::Hold {
        until: step.due,
        reason: Reason::WaitsForFallback,
    };
    let mut item = world.item(vec![step]);
    item.tenant.clone_from(tenant);
    world.stored(item).await;
    id
}

/// Settles with these effects.
async fn settle(world: &World, lease: &Lease, effects: &[Effect]) -> Settled {
    let mut settlement = world.settlement(lease, Outcome::Finished(DeliveryState::Failed));
    settlement.effects = effects;
    world.settle(settlement).await
}

async fn is_suppressed(world: &World, tenant: &TenantId) -> bool {
    let asked = [(ChannelId::EMAIL, ADDRESS)];
    let found = world
        .store
        .suppressed(tenant, &asked)
        .await
        .expect("suppressed");
    found == [Some(SuppressionScope::All)]
}

fn suppress() -> Effect {
    let (channel, address) = (ChannelId::EMAIL, ADDRESS);
    let (scope, source) = (SuppressionScope::All, SuppressionSource::Bounce);
    Effect::Suppress {
        channel,
        address,
        scope,
        source,
    }
}

const fn cancel(delivery: DeliveryId) -> Effect {
    Effect::Cancel {
        delivery,
        reason: Reason::NotNeeded,
    }
}

pub(super) async fn the_effect_release_lets_a_waiting_step_go(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (now_step, later_step) = (
        waiting(&world, &world.tenant).await,
        waiting(&world, &world.tenant).await,
    );
    let (_, lease) = world.sending().await;
    let effects = [
        Effect::Release {
            delivery: now_step,
            due: world.now(),
        },
        Effect::Release {
            delivery: later_step,
            due: world.now() + MINUTE,
        },
    ];
    assert_eq!(settle(&world, &lease, &effects).await, Settled::Applied);
    assert_eq!(world.state(now_step).await.0, DeliveryState::Queued);
    let released = world.lease(now_step).await;
    assert_eq!(released.epoch, 2, "raised by the effect and by the claim");
    assert_eq!(
        settle(&world, &lease, &effects).await,
        Settled::Applied,
        "asked again"
    );
    assert_eq!(
        world.begin(&released).await,
        Begun::Go,
        "and not carried out again"
    );
    assert!(world.claimed().await.is_empty(), "the other is not due");
    world.pass(MINUTE);
    assert_eq!(world.claimed().await, [later_step]);
}

pub(super) async fn the_effect_cancel_ends_a_waiting_step(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let held = waiting(&world, &world.tenant).await;
    let (_, lease) = world.sending().await;
    let queued = world.queued().await;
    let effects = [cancel(held), cancel(queued)];
    assert_eq!(settle(&world, &lease, &effects).await, Settled::Applied);
    for id in [held, queued] {
        let ended = (DeliveryState::Cancelled, Some(Reason::NotNeeded));
        assert_eq!(world.state(id).await, ended);
        let event = world.timeline(id).await.pop().expect("an event");
        assert_eq!((event.kind, event.reason), (EventKind::Cancelled, ended.1));
    }
    world.pass(HOUR);
    assert!(world.claimed().await.is_empty());
}

pub(super) async fn the_effect_suppress_suppresses_an_address(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (_, lease) = world.sending().await;
    assert_eq!(
        settle(&world, &lease, &[suppress()]).await,
        Settled::Applied
    );
    assert!(is_suppressed(&world, &world.tenant).await);
    assert!(!is_suppressed(&world, &TenantId::new("umbrella")).await);
}

pub(super) async fn an_effect_fences_whoever_has_the_step(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (released, cancelled) = (
        waiting(&world, &world.tenant).await,
        waiting(&world, &world.tenant).await,
    );
    world.pass(HOUR);
    let mut late = world.claim(2).await;
    late.sort_by_key(|lease| lease.job);
    let (_, lease) = world.sending().await;
    let effects = [
        Effect::Release {
            delivery: released,
            due: world.now(),
        },
        cancel(cancelled),
    ];
    assert_eq!(settle(&world, &lease, &effects).await, Settled::Applied);
    for lease in &late {
        assert_eq!(world.begin(lease).await, Begun::Fenced);
        assert_eq!(
            world.finish(lease, DeliveryState::Expired).await,
            Settled::Fenced
        );
    }
    let lease = world.lease(released).await;
    assert_eq!(lease.epoch, 3);
    assert_eq!(world.begin(&lease).await, Begun::Go);
    assert_eq!(world.state(cancelled).await.0, DeliveryState::Cancelled);
}

pub(super) async fn no_effect_touches_what_is_being_sent_or_has_ended(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (sending, held_lease) = world.sending().await;
    let sent = world.ended(DeliveryState::Sent).await;
    let dead = world.ended(DeliveryState::Dead).await;
    let unknown = world.ids.delivery(world.now());
    for id in [sending, sent, dead] {
        let (_, lease) = world.sending().await;
        world.retry(&lease).await;
        let lease = world.claim_one().await;
        let before = (world.read(id).await, world.timeline(id).await);
        let due = world.now();
        let effects = [
            Effect::Release { delivery: id, due },
            cancel(id),
            Effect::Release {
                delivery: unknown,
                due,
            },
            cancel(unknown),
        ];
        assert_eq!(settle(&world, &lease, &effects).await, Settled::Applied);
        let after = (world.read(id).await, world.timeline(id).await);
        assert_eq!(format!("{after:?}"), format!("{before:?}"));
    }
    assert!(world.claimed().await.is_empty());
    assert_eq!(
        world.finish(&held_lease, DeliveryState::Sent).await,
        Settled::Applied
    );
}

pub(super) async fn no_effect_touches_another_tenant(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let other = TenantId::new("umbrella");
    let (one, two) = (waiting(&world, &other).await, waiting(&world, &other).await);
    let (_, lease) = world.sending().await;
    let effects = [
        Effect::Release {
            delivery: one,
            due: world.now(),
        },
        cancel(two),
    ];
    assert_eq!(settle(&world, &lease, &effects).await, Settled::Applied);
    assert!(world.claimed().await.is_empty());
    for id in [one, two] {
        assert_eq!(world.state(id).await.0, DeliveryState::Held);
    }
    world.pass(HOUR);
    assert_eq!(world.claimed().await, [one, two]);
}

pub(super) async fn effects_of_a_fenced_settlement_do_not_happen(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (released, cancelled) = (
        waiting(&world, &world.tenant).await,
        waiting(&world, &world.tenant).await,
    );
    let (_, late) = world.sending().await;
    world
        .store
        .reclaim(&[world.owner], world.now())
        .await
        .expect("reclaim");
    world.claimed().await;
    let due = world.now();
    let effects = [
        Effect::Release {
            delivery: released,
            due,
        },
        cancel(cancelled),
        suppress(),
    ];
    assert_eq!(settle(&world, &late, &effects).await, Settled::Fenced);
    for id in [released, cancelled] {
        assert_eq!(world.state(id).await.0, DeliveryState::Held);
    }
    assert!(!is_suppressed(&world, &world.tenant).await);
    assert!(world.claimed().await.is_empty());
}
