//! The contract of [`HealthStore`], clause by clause.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{OwnerId, ProviderName};
use crate::provider::{BreakerSnapshot, HealthPut, HealthStore, ProviderHealth, Scope};
use crate::store::Store;
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// One test for each clause of [`HealthStore`](crate::provider::HealthStore). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness) whose store has one.
    macro $ health_tests for health: dyn StoreHarness {
        nothing_is_known_at_first,
        a_record_reads_back_as_it_was_put,
        another_version_changes_nothing_and_is_shown,
        of_two_that_take_the_probe_one_gets_it,
        a_record_that_is_well_is_not_kept,
        a_version_never_comes_back,
        records_come_by_provider_and_scope,
        the_revision_of_health_grows_with_each_change_and_nothing_else,
        what_nobody_changes_is_forgotten,
        an_open_breaker_outlives_the_process,
    }
}

const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_001);
static TWILIO: ProviderName = ProviderName::new("twilio");
const ME: OwnerId = OwnerId::from_u128(7);
const OTHER: OwnerId = OwnerId::from_u128(8);

fn room(store: Arc<dyn Store>) -> Arc<dyn HealthStore> {
    store.health().expect("the store keeps how providers are")
}

async fn open(harness: &dyn StoreHarness) -> Arc<dyn HealthStore> {
    room(harness.open().await)
}

fn breaker(state: &str) -> BreakerSnapshot {
    BreakerSnapshot::new(state, Some(AT + Duration::from_secs(30)), 2)
}

fn record(scope: Option<&str>, state: &str) -> ProviderHealth {
    let scope = scope.map(|name| Scope::new(name).expect("is a name"));
    ProviderHealth::new(TWILIO.clone(), scope, breaker(state), AT, ME)
}

fn well(scope: Option<&str>) -> ProviderHealth {
    let mut health = record(scope, "closed");
    health.breaker = BreakerSnapshot::closed();
    health
}

/// Writes what must be written; answers with the version.
async fn put(store: &dyn HealthStore, health: &ProviderHealth, expected: u64) -> u64 {
    match store.put_health(health, expected).await.expect("works") {
        HealthPut::Written(version) => version,
        HealthPut::Changed(other) => panic!("expected {expected}, and there is {other:?}"),
    }
}

async fn all(store: &dyn HealthStore) -> Vec<ProviderHealth> {
    store.healths().await.expect("reads")
}

async fn revision(store: &dyn HealthStore) -> u64 {
    store.health_revision().await.expect("reads")
}

async fn nothing_is_known_at_first(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    assert_eq!(all(&*store).await, []);
    assert_eq!(revision(&*store).await, 0);
}

async fn a_record_reads_back_as_it_was_put(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let mut bare = record(Some("hooks.example.com:8443"), "resting");
    bare.breaker = BreakerSnapshot::new("resting", None, 0);
    for health in [record(None, "open"), bare] {
        let version = put(&*store, &health, 0).await;
        assert!(version > 0, "0 stands for none");
        let stored = health.stored(version);
        assert!(all(&*store).await.contains(&stored), "{stored:?}");
    }
}

async fn another_version_changes_nothing_and_is_shown(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let early = store.put_health(&record(None, "open"), 3).await;
    assert_eq!(early.expect("works"), HealthPut::Changed(None));
    let first = record(None, "open");
    let version = put(&*store, &first, 0).await;
    let stored = first.stored(version);
    let before = revision(&*store).await;
    for (expected, health) in [(0, record(None, "resting")), (version + 1, well(None))] {
        let answer = store.put_health(&health, expected).await.expect("works");
        assert_eq!(answer, HealthPut::Changed(Some(stored.clone())));
    }
    // Another part of the same provider is another record.
    put(&*store, &record(Some("a"), "open"), 0).await;
    assert_eq!(all(&*store).await[0], stored);
    assert_eq!(revision(&*store).await, before + 1);
}

async fn of_two_that_take_the_probe_one_gets_it(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let version = put(&*store, &record(None, "open"), 0).await;
    let answers = at_once(8, |no| {
        let store = Arc::clone(&store);
        let mut probe = record(None, "half_open");
        probe.by = if no % 2 == 0 { ME } else { OTHER };
        async move { store.put_health(&probe, version).await.expect("works") }
    })
    .await;
    let written = |answer: &&HealthPut| matches!(answer, HealthPut::Written(_));
    assert_eq!(answers.iter().filter(written).count(), 1, "{answers:?}");
    let there = all(&*store).await;
    for answer in answers {
        match answer {
            HealthPut::Written(version) => assert_eq!(there[0].version, version),
            HealthPut::Changed(other) => assert_eq!(other.as_ref(), there.first()),
        }
    }
}

async fn a_record_that_is_well_is_not_kept(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    assert_eq!(put(&*store, &well(None), 0).await, 0);
    assert_eq!(revision(&*store).await, 0, "nothing changed");
    let version = put(&*store, &record(None, "open"), 0).await;
    let neighbour = put(&*store, &record(Some("a"), "open"), 0).await;
    assert_eq!(put(&*store, &well(None), version).await, 0);
    let left: Vec<u64> = all(&*store).await.iter().map(|one| one.version).collect();
    assert_eq!(left, [neighbour]);
}

async fn a_version_never_comes_back(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let mut last = 0;
    for scope in [None, Some("a"), None, Some("a")] {
        let version = put(&*store, &record(scope, "open"), 0).await;
        assert!(version > last, "{version} after {last}");
        last = version;
        put(&*store, &well(scope), version).await;
    }
    let old = store.put_health(&record(None, "half_open"), 1).await;
    assert_eq!(old.expect("works"), HealthPut::Changed(None));
}

async fn records_come_by_provider_and_scope(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    for scope in [Some("b"), None, Some("a")] {
        put(&*store, &record(scope, "open"), 0).await;
    }
    let mut other = record(Some("z"), "config");
    other.provider = ProviderName::new("brevo");
    put(&*store, &other, 0).await;
    let found = all(&*store).await;
    let names: Vec<_> = found
        .iter()
        .map(|one| (one.provider.as_str(), one.scope.as_ref().map(Scope::as_str)))
        .collect();
    let expected = [
        ("brevo", Some("z")),
        ("twilio", None),
        ("twilio", Some("a")),
        ("twilio", Some("b")),
    ];
    assert_eq!(names, expected);
}

async fn the_revision_of_health_grows_with_each_change_and_nothing_else(
    harness: &dyn StoreHarness,
) {
    let store = open(harness).await;
    let mut last = revision(&*store).await;
    let mut version = 0;
    for health in [record(None, "open"), record(None, "half_open"), well(None)] {
        version = put(&*store, &health, version).await;
        let now = revision(&*store).await;
        assert!(now > last, "{now} after {last}");
        last = now;
    }
    let refused = store.put_health(&record(None, "open"), 99).await;
    assert!(matches!(refused, Ok(HealthPut::Changed(None))));
    assert_eq!(store.sweep_health(AT).await.expect("works"), 0);
    all(&*store).await;
    assert_eq!(revision(&*store).await, last);
}

async fn what_nobody_changes_is_forgotten(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let mut young = record(Some("young"), "open");
    young.since = AT + Duration::from_secs(1);
    put(&*store, &record(Some("old"), "open"), 0).await;
    put(&*store, &young, 0).await;
    let before = revision(&*store).await;
    assert_eq!(store.sweep_health(young.since).await.expect("works"), 1);
    let left = all(&*store).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].scope, young.scope);
    assert!(revision(&*store).await > before, "others read it again");
}

async fn an_open_breaker_outlives_the_process(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &record(None, "open"), 0).await;
    put(&*store, &record(Some("a"), "half_open"), 0).await;
    let (before, at) = (all(&*store).await, revision(&*store).await);
    let again = room(harness.reopen().await);
    if harness.durable() {
        assert_eq!(all(&*again).await, before);
        assert_eq!(revision(&*again).await, at);
    } else {
        assert_eq!(all(&*again).await, []);
    }
}
