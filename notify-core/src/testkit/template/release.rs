//! Releases: what deliveries are pinned to, and how long they are kept.

use std::sync::Arc;
use std::time::Duration;

use super::{Kind, World, partial, template, translations};
use crate::audit::Actor;
use crate::delivery::DeliveryState;
use crate::id::DeliveryId;
use crate::queue::{Begun, Lease, Start};
use crate::template::{Release, ReleaseId, TemplateSet};
use crate::testkit::world::{self, PROVIDER, at_once};
use crate::testkit::{StoreHarness, sample};

fn set(text: &str) -> TemplateSet {
    TemplateSet::new()
        .add(template("a", text))
        .add(template("b", "“quotes” 👩‍🚀"))
        .add_partial(partial("footer", text))
        .add_translations(translations("pt-BR", text))
}

async fn read(world: &World, id: ReleaseId) -> Option<TemplateSet> {
    world
        .templates
        .release(&world.tenant, id)
        .await
        .expect("reads")
}

async fn publish(world: &World, set: TemplateSet) -> ReleaseId {
    let release = Release::of(set);
    world
        .templates
        .publish(&world.tenant, &release)
        .await
        .expect("is published");
    release.id()
}

pub(super) async fn a_published_release_is_read_back(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let ids = [
        publish(&world, set("one")).await,
        publish(&world, set("two")).await,
    ];
    for (id, expected) in ids.into_iter().zip([set("one"), set("two")]) {
        let found = read(&world, id).await.expect("is there");
        assert_eq!(found.release_id(), id, "it says the same");
        assert_eq!(found.templates.len(), expected.templates.len());
        assert_eq!(found.partials, expected.partials);
        assert_eq!(found.translations, expected.translations);
    }
    let empty = publish(&world, TemplateSet::new()).await;
    assert_eq!(read(&world, empty).await, Some(TemplateSet::new()));
}

pub(super) async fn publishing_again_changes_nothing(harness: &dyn StoreHarness) {
    let world = Arc::new(World::new(harness).await);
    let id = publish(&world, set("one")).await;
    let before = read(&world, id).await;
    let mut same = set("one");
    same.templates.reverse();
    same.templates[0].editor = "another editor: no part of the content".to_owned();
    assert_eq!(publish(&world, same).await, id);
    assert_eq!(read(&world, id).await, before);
    let answers = at_once(8, |_| {
        let world = Arc::clone(&world);
        async move { publish(&world, set("at the same time")).await }
    });
    let answers = answers.await;
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(read(&world, answers[0]).await.is_some());
}

pub(super) async fn a_release_stays_as_it_was_published(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
    }
    let all = world
        .templates
        .load_all(&world.tenant)
        .await
        .expect("loads");
    let id = publish(&world, all).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "second", Some(1)).await;
        assert!(world.delete(kind, "a").await);
    }
    let found = read(&world, id).await.expect("is there");
    assert_eq!(found.release_id(), id);
    assert_eq!(found.templates[0].parts["text"], "first");
}

pub(super) async fn an_unknown_release_is_none(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert_eq!(read(&world, set("one").release_id()).await, None);
    publish(&world, set("two")).await;
    assert_eq!(read(&world, set("one").release_id()).await, None);
}

pub(super) async fn a_release_is_read_by_who_published_it(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let other = World {
        tenant: sample::other_tenant(),
        ..World::of(Arc::clone(&world.store), harness.clock())
    };
    let id = publish(&world, set("one")).await;
    assert_eq!(read(&other, id).await, None, "another tenant published it");
    assert_eq!(publish(&other, set("one")).await, id);
    assert!(read(&other, id).await.is_some() && read(&world, id).await.is_some());
}

/// How long releases are kept in these clauses.
const KEEP: Duration = Duration::from_secs(10 * 86_400);

const DAY: Duration = Duration::from_secs(86_400);

async fn sweep(world: &World) -> u64 {
    let mut forgotten = 0;
    loop {
        let more = world.templates.sweep_releases(world.now(), KEEP).await;
        let more = more.expect("sweeps");
        if more == 0 {
            return forgotten;
        }
        forgotten += more;
    }
}

pub(super) async fn a_release_that_nobody_needs_is_forgotten_when_it_is_old(
    harness: &dyn StoreHarness,
) {
    let world = World::new(harness).await;
    let old = publish(&world, set("old")).await;
    world.clock.advance(DAY);
    let young = publish(&world, set("young")).await;
    world.clock.advance(DAY);
    let newest = publish(&world, set("newest")).await;
    world.clock.advance(KEEP - 2 * DAY - Duration::from_secs(1));
    assert_eq!(sweep(&world).await, 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(sweep(&world).await, 1);
    assert_eq!(read(&world, old).await, None);
    assert!(read(&world, young).await.is_some());
    world.clock.advance(100 * KEEP);
    assert_eq!(sweep(&world).await, 1);
    assert_eq!(read(&world, young).await, None);
    assert!(
        read(&world, newest).await.is_some(),
        "the newest always stays"
    );
    assert_eq!(sweep(&world).await, 0);
}

pub(super) async fn publishing_again_keeps_a_release(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let used = publish(&world, set("used")).await;
    world.clock.advance(DAY);
    let unused = publish(&world, set("unused")).await;
    world.clock.advance(DAY);
    assert_eq!(publish(&world, set("used")).await, used);
    world.clock.advance(KEEP);
    assert_eq!(sweep(&world).await, 1);
    assert!(read(&world, used).await.is_some());
    assert_eq!(read(&world, unused).await, None);
}

pub(super) async fn releases_of_tenants_are_kept_apart(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let other = World {
        tenant: sample::other_tenant(),
        ..World::of(Arc::clone(&world.store), harness.clock())
    };
    let shared = publish(&world, set("both")).await;
    world.clock.advance(DAY);
    assert_eq!(publish(&other, set("both")).await, shared);
    let newest = publish(&world, set("newest")).await;
    world.clock.advance(KEEP);
    assert_eq!(sweep(&world).await, 1);
    assert_eq!(read(&world, shared).await, None);
    assert!(read(&other, shared).await.is_some());
    assert!(read(&world, newest).await.is_some());
}

/// A delivery that was begun with this release.
async fn pinned(queue: &world::World, release: ReleaseId) -> (DeliveryId, Lease) {
    let (id, lease) = queue.lent().await;
    let mut frozen = world::frozen();
    frozen.release = Some(release.as_u128());
    let start = Start {
        lease: &lease,
        provider: &PROVIDER,
        frozen: &frozen,
        premises: &[],
        now: queue.now(),
    };
    let begun = queue.store.begin(&[start]).await.expect("begin");
    assert_eq!(begun, [Begun::Go]);
    (id, lease)
}

pub(super) async fn a_release_stays_while_a_delivery_is_pinned_to_it(harness: &dyn StoreHarness) {
    let queue = world::World::open(harness).await;
    let world = World {
        tenant: queue.tenant.clone(),
        ..World::of(Arc::clone(&queue.store), harness.clock())
    };
    let needed = publish(&world, set("needed")).await;
    queue.pass(DAY);
    publish(&world, set("newest")).await;
    let (_, waits) = pinned(&queue, needed).await;
    queue.pass(2 * KEEP);
    assert_eq!(sweep(&world).await, 0, "it is being sent");
    queue.retry(&waits).await;
    assert_eq!(sweep(&world).await, 0, "it waits to be sent again");
    let lease = queue.claim_one().await;
    queue.begin(&lease).await;
    queue.finish(&lease, DeliveryState::Sent).await;

    let again = publish(&world, set("needed")).await;
    let (dead, lease) = pinned(&queue, again).await;
    queue.finish(&lease, DeliveryState::Dead).await;
    queue.pass(DAY);
    publish(&world, set("newest of all")).await;
    queue.pass(2 * KEEP);
    assert_eq!(sweep(&world).await, 1, "a dead letter needs one of the two");
    assert!(read(&world, needed).await.is_some());
    let (actor, now) = (Actor::Application, queue.now());
    let purged = queue.store.purge(&queue.tenant, &[dead], &actor, now).await;
    assert_eq!(purged.expect("purge"), [true]);
    assert_eq!(sweep(&world).await, 1);
    assert_eq!(read(&world, needed).await, None);
}
