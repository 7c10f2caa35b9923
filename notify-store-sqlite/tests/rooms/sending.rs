//! What is sent and what is kept in memory: a settlement's effects are seen, and an old stamp begins nothing.

use notify_core::clock::Monotonic;
use notify_core::delivery::{EventKind, Frozen, Target};
use notify_core::id::{IdGenerator, OwnerId};
use notify_core::notification::Priority;
use notify_core::preference::{AddressHash, SuppressionScope, SuppressionSource, SuppressionStore};
use notify_core::queue::{
    Begun, Claim, Effect, LaneClaim, Lease, Outcome, Premise, Queue, Settled, Settlement, Start,
};
use notify_core::testkit::sample;
use notify_core::{Address, ChannelId, DeliveryState, PreferenceStore, ProviderName};
use std::time::Duration;

use crate::world::{ME, NOW, World, cell};

const MAIL: ChannelId = ChannelId::EMAIL;

/// Accepts a mail to Ada and borrows it.
async fn lease(world: &World, ids: &IdGenerator) -> Lease {
    let mail = sample::acceptance(ids, &world.tenant, "ada", MAIL, NOW);
    world.store.accept(vec![mail]).await.expect("is accepted");
    let owner: OwnerId = ids.owner(NOW);
    let claim = Claim {
        owner,
        lanes: vec![LaneClaim {
            priority: Priority::Normal,
            channel: MAIL,
            limit: 1,
        }],
        now: NOW,
        asked_at: Monotonic::default(),
        ttl: Duration::from_secs(60),
    };
    world.store.claim(&claim).await.expect("claims").remove(0)
}

async fn begin(world: &World, lease: &Lease, premises: &[Premise]) -> Begun {
    let (provider, address) = (ProviderName::new("smtp"), Address::email("ada@example.com"));
    let frozen = Frozen::new(vec![Target::new(0, address)]);
    let start = Start {
        lease,
        provider: &provider,
        frozen: &frozen,
        premises,
        now: NOW,
    };
    world.store.begin(&[start]).await.expect("begins").remove(0)
}

#[tokio::test]
async fn what_a_settlement_suppresses_is_seen_at_once() {
    let world = World::new().await;
    let ids = IdGenerator::new(1);
    let scope = SuppressionScope::All;
    // The first is the first of all; of the second it is known that it is not there.
    for n in [1, 2] {
        let address = AddressHash::from_bytes([n; 32]);
        let asked = [(MAIL, address)];
        for _ in 0..2 {
            let found = world
                .store
                .suppressed(&world.tenant, &asked)
                .await
                .expect("reads");
            assert_eq!(found, [None]);
        }
        let lease = lease(&world, &ids).await;
        assert_eq!(begin(&world, &lease, &[]).await, Begun::Go);
        let outcome = Outcome::Finished(DeliveryState::Failed);
        let mut settlement = Settlement::new(&lease, outcome, EventKind::Failed, NOW);
        settlement.attempts = 1;
        let source = SuppressionSource::Bounce;
        let effects = [Effect::Suppress {
            channel: MAIL,
            address,
            scope,
            source,
        }];
        settlement.effects = &effects;
        let settled = world.store.settle(&[settlement]).await.expect("is settled");
        assert_eq!(settled, [Settled::Applied]);
        let found = world
            .store
            .suppressed(&world.tenant, &asked)
            .await
            .expect("reads");
        assert_eq!(found, [Some(scope)], "address {n}");
    }
}

#[tokio::test]
async fn an_old_stamp_begins_nothing_though_copies_are_warm() {
    let world = World::new().await;
    let ids = IdGenerator::new(1);
    let lease = lease(&world, &ids).await;
    let load = async || {
        let found = world
            .store
            .load(&world.tenant, &["ada".into()])
            .await
            .expect("reads");
        let stamp = found[0].stamp.expect("a stamp");
        Premise::Preferences {
            recipient: "ada".into(),
            stamp,
        }
    };
    for n in 0..3 {
        let old = load().await;
        world
            .store
            .apply(&world.tenant, &cell("ada", n), &ME, NOW)
            .await
            .expect("is applied");
        let (first, again) = (load().await, load().await);
        assert_eq!(first, again);
        let refused = begin(&world, &lease, &[old]).await;
        assert!(matches!(refused, Begun::Refused { .. }), "{refused:?}");
    }
    assert_eq!(begin(&world, &lease, &[load().await]).await, Begun::Go);
}
