//! Creating, replacing and deleting: the same for templates, partials and translations.

use std::sync::Arc;
use std::time::Duration;

use super::{Kind, Row, World};
use crate::error::ErrorKind;
use crate::template::{TemplateFilter, TemplatePage};
use crate::testkit::StoreHarness;
use crate::testkit::world::at_once;

pub(super) async fn the_first_put_stores_version_one(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        let put = world.put(kind, "a", "first", None).await;
        let (now, text) = (world.now(), "first".to_owned());
        let expected = Row {
            text,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        assert_eq!(put, expected, "{kind:?}");
        assert_eq!(world.find(kind, "a").await, Some(put), "{kind:?}");
        world.clock.advance(Duration::from_secs(1));
    }
}

pub(super) async fn to_create_what_is_there_is_a_conflict(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        let put = world.put(kind, "a", "first", None).await;
        world.clock.advance(Duration::from_secs(1));
        world.conflict(kind, "a", None).await;
        assert_eq!(world.find(kind, "a").await, Some(put), "{kind:?}");
    }
}

pub(super) async fn a_put_replaces_the_version_it_names(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        let first = world.put(kind, "a", "text 1", None).await;
        world.put(kind, "b", "another", None).await;
        for version in 1..4 {
            world.clock.advance(Duration::from_micros(1_000_001));
            let text = format!("text {}", version + 1);
            let put = world.put(kind, "a", &text, Some(version)).await;
            let expected = Row {
                text,
                version: version + 1,
                updated_at: world.now(),
                ..first.clone()
            };
            assert_eq!(put, expected, "{kind:?}");
            assert_eq!(world.find(kind, "a").await, Some(put), "{kind:?}");
        }
        assert_eq!(
            world.find(kind, "b").await.expect("is there").version,
            1,
            "{kind:?}"
        );
    }
}

pub(super) async fn a_put_of_another_version_is_a_conflict(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        let second = world.put(kind, "a", "second", Some(1)).await;
        let revision = world.revision().await;
        for version in [0, 1, 3, i64::MAX.unsigned_abs()] {
            world.conflict(kind, "a", Some(version)).await;
        }
        assert_eq!(world.find(kind, "a").await, Some(second), "{kind:?}");
        assert_eq!(world.revision().await, revision, "{kind:?}");
    }
}

pub(super) async fn a_put_of_what_is_not_there_is_a_conflict(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        for version in [0, 1] {
            world.conflict(kind, "a", Some(version)).await;
        }
        assert_eq!(world.find(kind, "a").await, None, "{kind:?}");
    }
}

pub(super) async fn what_is_deleted_can_only_be_created(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        assert!(world.delete(kind, "a").await);
        for version in [0, 1, 2] {
            world.conflict(kind, "a", Some(version)).await;
        }
        assert_eq!(world.find(kind, "a").await, None, "{kind:?}");
    }
}

pub(super) async fn versions_go_on_after_a_deletion(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        world.put(kind, "a", "second", Some(1)).await;
        world.clock.advance(Duration::from_secs(1));
        assert!(world.delete(kind, "a").await);
        world.clock.advance(Duration::from_secs(1));
        let put = world.put(kind, "a", "third", None).await;
        let (now, text) = (world.now(), "third".to_owned());
        let expected = Row {
            text,
            version: 3,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        assert_eq!(put, expected, "{kind:?}");
        assert_eq!(world.find(kind, "a").await, Some(put), "{kind:?}");
    }
}

pub(super) async fn what_is_deleted_is_neither_got_nor_loaded(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        world.put(kind, "b", "stays", None).await;
        world.clock.advance(Duration::from_secs(1));
        assert!(world.delete(kind, "a").await);
        assert_eq!(world.find(kind, "a").await, None, "{kind:?}");
        assert!(world.find(kind, "b").await.is_some(), "{kind:?}");
    }
    let filter = TemplateFilter::new().with_name("a").with_deleted();
    let kept = world
        .list(&filter, &TemplatePage::new())
        .await
        .pop()
        .expect("it is kept");
    assert!(
        kept.deleted_at.is_some() && kept.parts["text"] == "first",
        "{kept:?}"
    );
}

pub(super) async fn deleting_what_is_not_there_changes_nothing(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        assert!(!world.delete(kind, "a").await, "{kind:?}");
        world.put(kind, "a", "first", None).await;
        assert!(world.delete(kind, "a").await, "{kind:?}");
        let listed = world
            .list(&TemplateFilter::new().with_deleted(), &TemplatePage::new())
            .await;
        let revision = world.revision().await;
        world.clock.advance(Duration::from_secs(1));
        assert!(
            !world.delete(kind, "a").await,
            "{kind:?} is deleted already"
        );
        assert_eq!(world.revision().await, revision, "{kind:?}");
        let again = world
            .list(&TemplateFilter::new().with_deleted(), &TemplatePage::new())
            .await;
        assert_eq!(
            again, listed,
            "the time of the deletion is that of the first"
        );
    }
}

pub(super) async fn of_writers_at_the_same_time_one_wins(harness: &dyn StoreHarness) {
    let world = Arc::new(World::new(harness).await);
    for kind in Kind::ALL {
        for expected in [None, Some(1)] {
            let answers = at_once(8, |n| {
                let world = Arc::clone(&world);
                async move {
                    world
                        .try_put(kind, "a", &format!("writer {n}"), expected)
                        .await
                }
            });
            let mut won = Vec::new();
            for answer in answers.await {
                match answer {
                    Ok(row) => won.push(row),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
                }
            }
            assert_eq!(won.len(), 1, "{kind:?} {expected:?}: {won:?}");
            assert_eq!(
                world.find(kind, "a").await,
                won.pop(),
                "{kind:?} {expected:?}"
            );
        }
    }
}
