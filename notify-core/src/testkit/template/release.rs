//! Releases: what deliveries are pinned to.

use std::sync::Arc;

use super::{Kind, World, partial, template, translations};
use crate::template::{Release, ReleaseId, TemplateSet};
use crate::testkit::world::at_once;
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
