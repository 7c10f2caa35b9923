//! The contract of [`ProviderStore`], clause by clause.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Actor, AuditEntry};
use crate::clock::Timestamp;
use crate::error::ErrorKind;
use crate::id::{ChannelId, ProviderName, TenantId};
use crate::provider::{ProviderConfig, ProviderStore};
use crate::store::Store;
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// One test for each clause of [`ProviderStore`](crate::provider::ProviderStore). Takes an
    /// expression that makes a [`StoreHarness`](crate::testkit::StoreHarness) whose store has one.
    macro $ provider_store_tests for provider_store: dyn StoreHarness {
        an_empty_store_has_no_providers_and_revision_zero,
        a_configuration_reads_back_as_it_was_put,
        providers_come_by_channel_priority_and_name,
        put_answers_with_the_next_version_and_notes_the_time_given,
        zero_expects_that_there_is_none,
        another_version_is_a_conflict_and_changes_nothing,
        of_writers_at_the_same_time_one_wins,
        what_does_not_validate_is_refused,
        a_dsn_is_stored_with_its_placeholders,
        a_provider_can_move_to_another_channel,
        remove_says_whether_there_was_one,
        a_removed_name_begins_anew,
        the_revision_grows_with_each_change_and_with_nothing_else,
        a_change_by_an_operator_writes_one_audit_row,
        an_audit_row_never_holds_the_dsn,
        a_change_by_the_application_writes_no_audit_row,
        configurations_outlive_the_process,
    }
}

const APPLICATION: Actor = Actor::Application;
const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_001);

async fn open(harness: &dyn StoreHarness) -> Arc<dyn ProviderStore> {
    rooms(harness.open().await)
}

fn rooms(store: Arc<dyn Store>) -> Arc<dyn ProviderStore> {
    store
        .providers()
        .expect("the store keeps provider configurations")
}

fn sms(name: &'static str) -> ProviderConfig {
    ProviderConfig::new(
        ChannelId::SMS,
        name,
        format!("{name}://AC1:${{{}}}@default", "TOKEN"),
    )
}

/// One with a value in each field that is not the default.
fn full() -> ProviderConfig {
    sms("twilio")
        .with_enabled(false)
        .with_priority(u32::MAX)
        .with_weight(7)
        .with_rate_limit("600000/5min".parse().expect("is a limit"))
        .with_daily_max(NonZeroU32::MAX)
}

/// Everything of a configuration; it has no equality of its own, because it holds a secret's place.
fn all_of(config: &ProviderConfig) -> impl PartialEq + std::fmt::Debug + use<> {
    let ProviderConfig {
        channel,
        name,
        enabled,
        priority,
        weight,
        rate_limit,
        daily_max,
        ..
    } = config.clone();
    let dsn = config.dsn_text().to_owned();
    let stored = (config.version, config.updated_at);
    (
        channel, name, dsn, enabled, priority, weight, rate_limit, daily_max, stored,
    )
}

async fn put(store: &dyn ProviderStore, config: &ProviderConfig, expected: u64) -> u64 {
    store
        .put_provider(config, expected, &APPLICATION, AT)
        .await
        .expect("is stored")
}

async fn only(store: &dyn ProviderStore) -> ProviderConfig {
    let mut found = store.providers().await.expect("reads");
    assert_eq!(found.len(), 1, "one configuration: {found:?}");
    found.remove(0)
}

async fn revision(store: &dyn ProviderStore) -> u64 {
    store.provider_revision().await.expect("reads")
}

async fn names(store: &dyn ProviderStore) -> Vec<String> {
    let found = store.providers().await.expect("reads");
    found.iter().map(|config| config.name.to_string()).collect()
}

async fn an_empty_store_has_no_providers_and_revision_zero(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    assert!(names(&*store).await.is_empty());
    assert_eq!(revision(&*store).await, 0);
}

async fn a_configuration_reads_back_as_it_was_put(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    for config in [full(), sms("vonage")] {
        put(&*store, &config, 0).await;
        let found = store.providers().await.expect("reads");
        let found = found
            .iter()
            .find(|found| found.name == config.name)
            .expect("is there");
        assert_eq!(all_of(found), all_of(&config.stored(1, AT)));
    }
    put(&*store, &sms("twilio"), 1).await;
    let found = store.providers().await.expect("reads");
    let found = found
        .iter()
        .find(|found| found.name == "twilio")
        .expect("is there");
    assert_eq!(found.rate_limit, None, "what is not given any more is gone");
    assert_eq!(found.daily_max, None, "what is not given any more is gone");
}

async fn providers_come_by_channel_priority_and_name(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    for config in [
        sms("c").with_priority(1),
        sms("b").with_priority(10),
        sms("d").with_priority(2).with_enabled(false),
        sms("a").with_priority(10),
        ProviderConfig::new(ChannelId::EMAIL, "z", "smtp://h").with_priority(99),
    ] {
        put(&*store, &config, 0).await;
    }
    assert_eq!(names(&*store).await, ["z", "c", "d", "a", "b"]);
}

async fn put_answers_with_the_next_version_and_notes_the_time_given(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    for expected in 0..3 {
        let now = AT + Duration::from_micros(1_000_001 * expected);
        // What the configuration says of these two is not asked.
        let config = sms("twilio").stored(77, Timestamp::MAX);
        let version = store
            .put_provider(&config, expected, &APPLICATION, now)
            .await;
        assert_eq!(version.expect("is stored"), expected + 1);
        let found = only(&*store).await;
        assert_eq!((found.version, found.updated_at), (expected + 1, now));
    }
}

async fn zero_expects_that_there_is_none(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let early = store
        .put_provider(&sms("twilio"), 1, &APPLICATION, AT)
        .await;
    assert_eq!(
        early.expect_err("there is none").kind(),
        ErrorKind::Conflict
    );
    put(&*store, &sms("twilio"), 0).await;
    let again = store
        .put_provider(&sms("twilio"), 0, &APPLICATION, AT)
        .await;
    assert_eq!(again.expect_err("there is one").kind(), ErrorKind::Conflict);
}

async fn another_version_is_a_conflict_and_changes_nothing(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &full(), 0).await;
    put(&*store, &full(), 1).await;
    let (before, revision_before) = (only(&*store).await, revision(&*store).await);
    for expected in [0, 1, 3, u64::from(u32::MAX)] {
        let changed = sms("twilio").with_priority(3);
        let error = store
            .put_provider(&changed, expected, &Actor::operator("op"), AT)
            .await;
        assert_eq!(
            error.expect_err("another version").kind(),
            ErrorKind::Conflict
        );
    }
    assert_eq!(all_of(&only(&*store).await), all_of(&before));
    assert_eq!(revision(&*store).await, revision_before);
}

async fn of_writers_at_the_same_time_one_wins(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &sms("twilio"), 0).await;
    let change = |n| {
        let (store, priority) = (Arc::clone(&store), u32::try_from(n).unwrap_or(0));
        let config = sms("twilio").with_priority(priority);
        async move {
            store
                .put_provider(&config, 1, &APPLICATION, AT)
                .await
                .map(|_| priority)
        }
    };
    let mut won = Vec::new();
    for answer in at_once(8, change).await {
        match answer {
            Ok(priority) => won.push(priority),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(
        won,
        [only(&*store).await.priority],
        "one winner, and it is stored"
    );
}

async fn what_does_not_validate_is_refused(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let written_out = ProviderConfig::new(ChannelId::SMS, "twilio", "twilio://AC1:hunter2@default");
    for config in [written_out, sms("")] {
        let error = store
            .put_provider(&config, 0, &Actor::operator("op"), AT)
            .await;
        assert_eq!(
            error.expect_err("does not validate").kind(),
            ErrorKind::Invalid
        );
    }
    assert!(names(&*store).await.is_empty());
    assert_eq!(revision(&*store).await, 0);
}

async fn a_dsn_is_stored_with_its_placeholders(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    let dsn = "twilio://AC1:${TWILIO_TOKEN}@default?from=%2B15550100&name=Zoë's \"shop\"";
    let dsn = dsn.replace(' ', "+");
    put(
        &*store,
        &ProviderConfig::new(ChannelId::SMS, "twilio", dsn.as_str()),
        0,
    )
    .await;
    assert_eq!(only(&*store).await.dsn_text(), dsn);
}

async fn a_provider_can_move_to_another_channel(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &sms("twilio"), 0).await;
    let moved = ProviderConfig::new(ChannelId::new("chat.whatsapp"), "twilio", "twilio://");
    put(&*store, &moved, 1).await;
    assert_eq!(
        only(&*store).await.channel,
        ChannelId::new("chat.whatsapp"),
        "a name is unique"
    );
}

async fn remove_says_whether_there_was_one(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &sms("twilio"), 0).await;
    put(&*store, &sms("vonage"), 0).await;
    let name = ProviderName::new("twilio");
    assert!(
        store
            .remove_provider(&name, &APPLICATION, AT)
            .await
            .expect("removes")
    );
    assert!(
        !store
            .remove_provider(&name, &APPLICATION, AT)
            .await
            .expect("changes nothing")
    );
    assert_eq!(names(&*store).await, ["vonage"]);
}

async fn a_removed_name_begins_anew(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &sms("twilio"), 0).await;
    put(&*store, &sms("twilio"), 1).await;
    let name = ProviderName::new("twilio");
    store
        .remove_provider(&name, &APPLICATION, AT)
        .await
        .expect("removes");
    let stale = store
        .put_provider(&sms("twilio"), 2, &APPLICATION, AT)
        .await;
    assert_eq!(stale.expect_err("it is gone").kind(), ErrorKind::Conflict);
    assert_eq!(put(&*store, &sms("twilio"), 0).await, 1);
}

async fn the_revision_grows_with_each_change_and_with_nothing_else(harness: &dyn StoreHarness) {
    let (store, twilio) = (open(harness).await, ProviderName::new("twilio"));
    let mut last = revision(&*store).await;
    for expected in 0..3 {
        put(&*store, &sms("twilio"), expected).await;
        let next = revision(&*store).await;
        assert!(last < next, "after a change");
        last = next;
    }
    // None of these changes anything.
    let _ = store
        .put_provider(&sms("twilio"), 0, &APPLICATION, AT)
        .await;
    let _ = store.put_provider(&sms(""), 0, &APPLICATION, AT).await;
    let _ = store
        .remove_provider(&ProviderName::new("unknown"), &APPLICATION, AT)
        .await;
    let _ = (store.providers().await, store.provider_revision().await);
    assert_eq!(revision(&*store).await, last);
    store
        .remove_provider(&twilio, &APPLICATION, AT)
        .await
        .expect("removes");
    let removed = revision(&*store).await;
    assert!(last < removed, "after a removal");
    put(&*store, &sms("twilio"), 0).await;
    assert!(removed < revision(&*store).await, "after it came back");
}

/// What an operator leaves in the audit log who puts, changes and removes a provider.
async fn audited(harness: &dyn StoreHarness, actor: &Actor) -> Option<Vec<AuditEntry>> {
    let store = harness.open().await;
    let providers = rooms(Arc::clone(&store));
    for expected in 0..2 {
        providers
            .put_provider(&sms("twilio"), expected, actor, AT)
            .await
            .expect("is stored");
    }
    let refused = providers.put_provider(&sms("twilio"), 0, actor, AT).await;
    refused.expect_err("the version is another one");
    let name = ProviderName::new("twilio");
    assert!(
        providers
            .remove_provider(&name, actor, AT)
            .await
            .expect("removes")
    );
    assert!(
        !providers
            .remove_provider(&name, actor, AT)
            .await
            .expect("changes nothing")
    );
    let audit = store.audit()?;
    Some(
        audit
            .audit_log(&TenantId::default(), None, 10)
            .await
            .expect("reads"),
    )
}

async fn a_change_by_an_operator_writes_one_audit_row(harness: &dyn StoreHarness) {
    let Some(rows) = audited(harness, &Actor::operator("op-1")).await else {
        return;
    };
    let actions: Vec<_> = rows.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["provider.put", "provider.put", "provider.remove"]);
    assert!(
        rows.iter()
            .all(|row| row.actor == "op-1" && row.subject == "twilio"),
        "{rows:?}"
    );
    assert!(
        rows.iter().all(|row| row.at == AT),
        "the time that the call gave: {rows:?}"
    );
}

async fn an_audit_row_never_holds_the_dsn(harness: &dyn StoreHarness) {
    let rows = audited(harness, &Actor::operator("op-1")).await;
    assert!(!format!("{rows:?}").contains("://"), "{rows:?}");
}

async fn a_change_by_the_application_writes_no_audit_row(harness: &dyn StoreHarness) {
    let rows = audited(harness, &APPLICATION).await.unwrap_or_default();
    assert!(rows.is_empty(), "{rows:?}");
}

async fn configurations_outlive_the_process(harness: &dyn StoreHarness) {
    let store = open(harness).await;
    put(&*store, &full(), 0).await;
    let (before, revision_before) = (only(&*store).await, revision(&*store).await);
    let again = rooms(harness.reopen().await);
    if harness.durable() {
        assert_eq!(all_of(&only(&*again).await), all_of(&before));
        assert_eq!(revision(&*again).await, revision_before);
    } else {
        assert!(
            names(&*again).await.is_empty(),
            "a store that is not durable is empty"
        );
    }
}
