//! Everything of a tenant at once: its state, its revision, its tenants, its audit rows.

use std::sync::Arc;

use super::{Kind, World};
use crate::audit::Actor;
use crate::template::{Release, TemplateFilter, TemplatePage, TemplateSet};
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, sample};

pub(super) async fn load_all_reads_everything_that_is_not_deleted(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert!(
        world
            .templates
            .load_all(&world.tenant)
            .await
            .expect("loads")
            .is_empty()
    );
    for kind in Kind::ALL {
        for name in ["a", "b", "c"] {
            world.put(kind, name, "text", None).await;
        }
        assert!(world.delete(kind, "b").await);
    }
    let all = world
        .templates
        .load_all(&world.tenant)
        .await
        .expect("loads");
    let mut names: Vec<_> = all
        .templates
        .iter()
        .map(|row| row.name.to_string())
        .collect();
    names.extend(all.partials.iter().map(|row| row.name.clone()));
    names.extend(all.translations.iter().map(|row| row.locale.to_string()));
    names.sort_unstable();
    assert_eq!(names, ["a", "a", "a", "c", "c", "c"]);
}

/// One writer changes a template and then a partial, over and over: whoever sees a change of the
/// partial sees the change of the template that came before it.
pub(super) async fn load_all_is_one_consistent_state(harness: &dyn StoreHarness) {
    let world = Arc::new(World::new(harness).await);
    world.put(Kind::Template, "a", "1", None).await;
    world.put(Kind::Partial, "a", "1", None).await;
    let answers = at_once(4, |n| {
        let world = Arc::clone(&world);
        async move {
            for version in 1..=20 {
                let text = (version + 1).to_string();
                if n == 0 {
                    world.put(Kind::Template, "a", &text, Some(version)).await;
                    world.put(Kind::Partial, "a", &text, Some(version)).await;
                } else {
                    let all = world
                        .templates
                        .load_all(&world.tenant)
                        .await
                        .expect("loads");
                    let versions = (all.templates[0].version, all.partials[0].version);
                    let apart = versions.0 - versions.1;
                    assert!(apart <= 1, "a state that never was: {versions:?}");
                    assert_eq!(all.templates[0].parts["text"], versions.0.to_string());
                }
            }
        }
    });
    assert_eq!(answers.await.len(), 4);
}

pub(super) async fn the_revision_grows_with_every_change_and_with_nothing_else(
    harness: &dyn StoreHarness,
) {
    let world = World::new(harness).await;
    let mut last = world.revision().await;
    assert_eq!(last, 0, "there was no change");
    for kind in Kind::ALL {
        for step in 0..4 {
            match step {
                0 => drop(world.put(kind, "a", "first", None).await),
                1 => drop(world.put(kind, "a", "second", Some(1)).await),
                2 => assert!(world.delete(kind, "a").await),
                _ => drop(world.put(kind, "a", "second", None).await),
            }
            let next = world.revision().await;
            assert!(last < next, "{kind:?}, step {step}: {last}, then {next}");
            last = next;
        }
        world.conflict(kind, "a", None).await;
        world.conflict(kind, "a", Some(1)).await;
        assert!(!world.delete(kind, "unknown").await);
        let all = world
            .templates
            .load_all(&world.tenant)
            .await
            .expect("loads");
        world
            .templates
            .publish(&world.tenant, &Release::of(all))
            .await
            .expect("is published");
        world
            .list(&TemplateFilter::new(), &TemplatePage::new())
            .await;
        assert_eq!(world.revision().await, last, "{kind:?}: nothing changed");
    }
}

/// The writer notes which revision each of its versions had; a reader who read a revision and then
/// the state must see every version up to it.
pub(super) async fn a_state_has_at_least_the_revision_read_before_it(harness: &dyn StoreHarness) {
    let world = Arc::new(World::new(harness).await);
    world.put(Kind::Template, "a", "1", None).await;
    let answers = at_once(3, |n| {
        let world = Arc::clone(&world);
        async move {
            let mut seen = Vec::new();
            for version in 1..=20 {
                if n == 0 {
                    world.put(Kind::Template, "a", "text", Some(version)).await;
                    seen.push((world.revision().await, version + 1));
                } else {
                    let revision = world.revision().await;
                    let all = world
                        .templates
                        .load_all(&world.tenant)
                        .await
                        .expect("loads");
                    seen.push((revision, all.templates[0].version));
                }
            }
            seen
        }
    });
    let answers = answers.await;
    for (revision, version) in answers[1..].iter().flatten() {
        let written = answers[0]
            .iter()
            .rev()
            .find(|(written, _)| written <= revision);
        let least = written.map_or(1, |(_, version)| *version);
        assert!(
            *version >= least,
            "revision {revision} has version {least}, and {version} was shown"
        );
    }
}

pub(super) async fn tenants_share_nothing(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let other = World {
        tenant: sample::other_tenant(),
        ..World::of(Arc::clone(&world.store), harness.clock())
    };
    for kind in Kind::ALL {
        let ours = world.put(kind, "a", "ours", None).await;
        assert_eq!(other.find(kind, "a").await, None, "{kind:?}");
        assert!(!other.delete(kind, "a").await, "{kind:?}");
        other.conflict(kind, "a", Some(1)).await;
        let theirs = other.put(kind, "a", "theirs", None).await;
        assert_eq!(theirs.version, 1, "{kind:?}");
        assert!(other.delete(kind, "a").await, "{kind:?}");
        assert_eq!(world.find(kind, "a").await, Some(ours), "{kind:?}");
    }
    let all = other
        .list(&TemplateFilter::new().with_deleted(), &TemplatePage::new())
        .await;
    assert_eq!(all.len(), 1, "their own, which is deleted");
    let third = World {
        tenant: "third".into(),
        ..World::of(Arc::clone(&world.store), harness.clock())
    };
    assert_eq!(third.revision().await, 0, "the changes of others");
}

pub(super) async fn a_change_by_an_operator_writes_one_audit_row(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    world.actor = Actor::operator("op-1");
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        world.put(kind, "a", "second", Some(1)).await;
        assert!(world.delete(kind, "a").await);
    }
    if Arc::clone(&world.store).audit().is_none() {
        return;
    }
    let rows = world.rows().await;
    let found: Vec<_> = rows
        .iter()
        .rev()
        .map(|row| (row.action.as_str(), row.subject.as_str()))
        .collect();
    let mut expected = Vec::new();
    for (kind, subject) in [
        ("partial", "a"),
        ("template", "a/email/en"),
        ("translations", "a"),
    ] {
        for action in ["put", "put", "delete"] {
            expected.push((format!("{kind}.{action}"), subject));
        }
    }
    assert!(
        found.iter().copied().eq(expected
            .iter()
            .map(|(action, subject)| (action.as_str(), *subject))),
        "{found:?}"
    );
    assert!(
        rows.iter()
            .all(|row| row.actor == "op-1" && row.at == world.now()),
        "{rows:?}"
    );
}

pub(super) async fn what_changed_nothing_leaves_no_audit_row(harness: &dyn StoreHarness) {
    let mut world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
    }
    world.actor = Actor::operator("op-1");
    for kind in Kind::ALL {
        world.conflict(kind, "a", None).await;
        world.conflict(kind, "a", Some(7)).await;
        assert!(!world.delete(kind, "unknown").await);
        assert!(world.try_put(kind, "", "no name", None).await.is_err());
    }
    assert!(world.rows().await.is_empty(), "{:?}", world.rows().await);
}

pub(super) async fn a_change_by_the_application_writes_no_audit_row(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        assert!(world.delete(kind, "a").await);
    }
    assert!(world.rows().await.is_empty(), "{:?}", world.rows().await);
}

pub(super) async fn templates_outlive_the_process(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for kind in Kind::ALL {
        world.put(kind, "a", "first", None).await;
        world.put(kind, "b", "second", None).await;
        assert!(world.delete(kind, "b").await);
    }
    let before = world
        .templates
        .load_all(&world.tenant)
        .await
        .expect("loads");
    world
        .templates
        .publish(&world.tenant, &Release::of(before.clone()))
        .await
        .expect("is published");
    let revision = world.revision().await;
    let again = World::of(harness.reopen().await, harness.clock());
    let after = again
        .templates
        .load_all(&again.tenant)
        .await
        .expect("loads");
    let release = again
        .templates
        .release(&again.tenant, before.release_id())
        .await
        .expect("reads");
    if harness.durable() {
        assert_eq!((after, again.revision().await), (before.clone(), revision));
        assert_eq!(
            release.map(|set| set.release_id()),
            Some(before.release_id())
        );
    } else {
        assert_eq!(
            (after, again.revision().await, release),
            (TemplateSet::new(), 0, None)
        );
    }
}
