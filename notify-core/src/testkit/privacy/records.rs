//! Records that are kept for a time.

use super::{room, suppression, want};
use crate::audit::Actor;
use crate::preference::PreferenceChange;
use crate::queue::Retention;
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, HOUR, SECOND, World};

pub(super) async fn a_consent_that_stands_is_kept(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    want(&world, &PreferenceChange::agree("ada", "news", "1", "")).await;
    want(&world, &PreferenceChange::withdraw("ada", "news", "2")).await;
    want(&world, &PreferenceChange::agree("ada", "news", "3", "")).await;
    want(&world, &PreferenceChange::agree("ada", "tips", "4", "")).await;
    want(&world, &PreferenceChange::withdraw("ada", "tips", "5")).await;
    let keep = Retention::default().with_consents(HOUR);
    let soon = world.pass(HOUR - SECOND);
    let swept = room(&world).sweep_records(soon, &keep).await;
    assert_eq!(swept.expect("sweeps"), 0, "not old yet");
    let later = world.pass(SECOND);
    let swept = room(&world).sweep_records(later, &keep).await;
    assert_eq!(swept.expect("sweeps"), 4);
    let log = room(&world).consents(&world.tenant, &ADA).await;
    let left: Vec<String> = log
        .expect("reads")
        .into_iter()
        .map(|row| row.source)
        .collect();
    assert_eq!(left, ["3"], "it stands");
}

pub(super) async fn old_audit_rows_and_suppressions_are_forgotten(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let old = suppression(&world, "old@example.com");
    let (tenant, eve) = (&world.tenant, Actor::operator("eve"));
    let added = world
        .store
        .suppress(tenant, std::slice::from_ref(&old), &eve);
    added.await.expect("is added");
    let later = world.pass(HOUR);
    let new = suppression(&world, "new@example.com");
    let added = world
        .store
        .suppress(tenant, std::slice::from_ref(&new), &eve);
    added.await.expect("is added");
    let keep = Retention::default().with_audit(HOUR);
    let swept = room(&world).sweep_records(later, &keep).await;
    assert_eq!(swept.expect("sweeps"), 1, "an audit row; suppressions stay");
    assert_eq!(world.audited().await.len(), 1);
    let keep = keep.with_suppressions(Some(HOUR));
    let swept = room(&world).sweep_records(later, &keep).await;
    assert_eq!(swept.expect("sweeps"), 1);
    let asked = [(old.channel, old.address), (new.channel, new.address)];
    let scopes = world.store.suppressed(tenant, &asked).await.expect("reads");
    let is_there: Vec<bool> = scopes.iter().map(Option::is_some).collect();
    assert_eq!(is_there, [false, true]);
}
