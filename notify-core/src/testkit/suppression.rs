//! The contract of [`SuppressionStore`](crate::preference::SuppressionStore), clause by clause.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::audit::{Actor, AuditEntry};
use crate::clock::{Clock, Timestamp};
use crate::id::{ChannelId, TenantId};
use crate::preference::{AddressHash, Suppression, SuppressionScope, SuppressionSource};
use crate::store::Store;
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses, sample};

use SuppressionScope::{All, Marketing};

clauses! {
    /// One test for each clause of [`SuppressionStore`](crate::preference::SuppressionStore). Takes an
    /// expression that makes a [`StoreHarness`](crate::testkit::StoreHarness).
    macro $ suppression_tests for suppression: dyn StoreHarness {
        suppressed_answers_each_question_in_order,
        nothing_asked_is_nothing_answered,
        suppress_is_visible_when_it_returns,
        suppress_widens_a_scope,
        suppress_never_narrows_a_scope,
        several_entries_are_added_in_one_call,
        the_same_address_twice_in_one_call_is_suppressed_for_the_wider_scope,
        many_are_asked_for_in_one_call,
        lift_says_whether_there_was_anything,
        a_lifted_address_can_be_suppressed_again,
        channels_say_nothing_about_each_other,
        tenants_say_nothing_about_each_other,
        callers_at_the_same_time_never_narrow_a_scope,
        the_pepper_does_not_change,
        a_change_by_an_operator_writes_one_audit_row,
        lifting_nothing_leaves_no_audit_row,
        a_change_by_others_writes_no_audit_row,
        entries_outlive_the_process,
    }
}

const AT: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// One store under test, and what clauses do with it.
struct World {
    store: Arc<dyn Store>,
    tenant: TenantId,
}

impl World {
    async fn new(harness: &dyn StoreHarness) -> Self {
        Self {
            store: harness.open().await,
            tenant: sample::tenant(),
        }
    }

    fn hash(&self, address: &str) -> AddressHash {
        self.store.pepper().address(&Address::email(address))
    }

    fn entry(&self, address: &str, scope: SuppressionScope) -> Suppression {
        let source = if scope == All {
            SuppressionSource::Bounce
        } else {
            SuppressionSource::Complaint
        };
        Suppression::new(ChannelId::EMAIL, self.hash(address), scope, source, AT)
    }

    async fn suppress(&self, address: &str, scope: SuppressionScope) {
        self.suppress_all(&[self.entry(address, scope)]).await;
    }

    async fn suppress_all(&self, entries: &[Suppression]) {
        let added = self
            .store
            .suppress(&self.tenant, entries, &Actor::Application)
            .await;
        added.expect("is added");
    }

    async fn scope(&self, address: &str) -> Option<SuppressionScope> {
        let asked = [(ChannelId::EMAIL, self.hash(address))];
        let found = self
            .store
            .suppressed(&self.tenant, &asked)
            .await
            .expect("reads");
        assert_eq!(found.len(), 1, "one entry for one question");
        found[0]
    }

    async fn lift(&self, address: &str, actor: &Actor) -> bool {
        let (email, hash) = (ChannelId::EMAIL, self.hash(address));
        self.store
            .lift(&self.tenant, &email, &hash, actor, AT)
            .await
            .expect("lifts")
    }

    async fn rows(&self) -> Vec<AuditEntry> {
        let Some(audit) = Arc::clone(&self.store).audit() else {
            return Vec::new();
        };
        audit
            .audit_log(&self.tenant, None, 100)
            .await
            .expect("reads")
    }
}

async fn suppressed_answers_each_question_in_order(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.suppress("dead@example.com", All).await;
    world.suppress("spam@example.com", Marketing).await;
    let addresses = ["spam", "fine", "dead", "spam", "dead"];
    let asked =
        addresses.map(|name| (ChannelId::EMAIL, world.hash(&format!("{name}@example.com"))));
    let found = world
        .store
        .suppressed(&world.tenant, &asked)
        .await
        .expect("reads");
    assert_eq!(
        found,
        [Some(Marketing), None, Some(All), Some(Marketing), Some(All)]
    );
}

async fn nothing_asked_is_nothing_answered(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert!(
        world
            .store
            .suppressed(&world.tenant, &[])
            .await
            .expect("reads")
            .is_empty()
    );
    world.suppress_all(&[]).await;
}

async fn suppress_is_visible_when_it_returns(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert_eq!(world.scope("a@example.com").await, None);
    for (address, scope) in [("a@example.com", All), ("b@example.com", Marketing)] {
        world.suppress(address, scope).await;
        assert_eq!(world.scope(address).await, Some(scope));
    }
    assert_eq!(
        world.scope("A@Example.com").await,
        Some(All),
        "mailboxes have no case"
    );
}

async fn suppress_widens_a_scope(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.suppress("a@example.com", Marketing).await;
    world.suppress("a@example.com", All).await;
    assert_eq!(world.scope("a@example.com").await, Some(All));
}

async fn suppress_never_narrows_a_scope(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.suppress("a@example.com", All).await;
    for source in [
        SuppressionSource::Unsubscribe,
        SuppressionSource::Manual,
        SuppressionSource::Import,
    ] {
        let mut entry = world.entry("a@example.com", Marketing);
        entry.source = source;
        world.suppress_all(&[entry]).await;
        assert_eq!(world.scope("a@example.com").await, Some(All), "{source:?}");
    }
}

async fn several_entries_are_added_in_one_call(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let name = |n: usize| format!("{n}@example.com");
    let scope = |n: usize| if n.is_multiple_of(3) { Marketing } else { All };
    let entries: Vec<_> = (0..500).map(|n| world.entry(&name(n), scope(n))).collect();
    world.suppress_all(&entries).await;
    let asked: Vec<_> = entries
        .iter()
        .map(|entry| (ChannelId::EMAIL, entry.address))
        .collect();
    let found = world
        .store
        .suppressed(&world.tenant, &asked)
        .await
        .expect("reads");
    assert!(found.into_iter().eq((0..500).map(|n| Some(scope(n)))));
}

async fn the_same_address_twice_in_one_call_is_suppressed_for_the_wider_scope(
    harness: &dyn StoreHarness,
) {
    let world = World::new(harness).await;
    for (address, first, second) in [
        ("a@example.com", Marketing, All),
        ("b@example.com", All, Marketing),
    ] {
        world
            .suppress_all(&[world.entry(address, first), world.entry(address, second)])
            .await;
        assert_eq!(world.scope(address).await, Some(All));
    }
}

async fn many_are_asked_for_in_one_call(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.suppress("1500@example.com", Marketing).await;
    let ask = |n: usize| (ChannelId::EMAIL, world.hash(&format!("{n}@example.com")));
    let asked: Vec<_> = (0..2_000).map(ask).collect();
    let found = world
        .store
        .suppressed(&world.tenant, &asked)
        .await
        .expect("reads");
    assert_eq!(found.len(), asked.len());
    let places: Vec<_> = (0..found.len()).filter(|n| found[*n].is_some()).collect();
    assert_eq!(places, [1_500]);
}

async fn lift_says_whether_there_was_anything(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert!(
        !world.lift("a@example.com", &Actor::Application).await,
        "it is not suppressed"
    );
    for scope in [All, Marketing] {
        world.suppress("a@example.com", scope).await;
        world.suppress("b@example.com", scope).await;
        assert!(
            world.lift("a@example.com", &Actor::Application).await,
            "{scope:?}"
        );
        assert_eq!(world.scope("a@example.com").await, None);
        assert!(
            !world.lift("a@example.com", &Actor::Application).await,
            "it was lifted"
        );
    }
    assert_eq!(
        world.scope("b@example.com").await,
        Some(All),
        "another address"
    );
}

async fn a_lifted_address_can_be_suppressed_again(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.suppress("a@example.com", All).await;
    world.lift("a@example.com", &Actor::Application).await;
    world.suppress("a@example.com", Marketing).await;
    assert_eq!(
        world.scope("a@example.com").await,
        Some(Marketing),
        "what was lifted is forgotten"
    );
}

async fn channels_say_nothing_about_each_other(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let hash = world.store.pepper().address(&Address::phone("+15550100"));
    let (sms, call) = (ChannelId::SMS, ChannelId::new("voice"));
    let entry = Suppression::new(sms.clone(), hash, All, SuppressionSource::Unsubscribe, AT);
    world.suppress_all(&[entry]).await;
    let asked = [(call.clone(), hash), (sms.clone(), hash)];
    let found = world
        .store
        .suppressed(&world.tenant, &asked)
        .await
        .expect("reads");
    assert_eq!(found, [None, Some(All)]);
    let lift = world
        .store
        .lift(&world.tenant, &call, &hash, &Actor::Application, AT)
        .await;
    assert!(
        !lift.expect("lifts"),
        "it is not suppressed on that channel"
    );
    let found = world
        .store
        .suppressed(&world.tenant, &asked)
        .await
        .expect("reads");
    assert_eq!(found, [None, Some(All)]);
}

async fn tenants_say_nothing_about_each_other(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let other = World {
        store: Arc::clone(&world.store),
        tenant: sample::other_tenant(),
    };
    world.suppress("a@example.com", All).await;
    assert_eq!(other.scope("a@example.com").await, None);
    other.suppress("a@example.com", Marketing).await;
    assert_eq!(world.scope("a@example.com").await, Some(All));
    assert!(other.lift("a@example.com", &Actor::Application).await);
    assert_eq!(world.scope("a@example.com").await, Some(All));
}

async fn callers_at_the_same_time_never_narrow_a_scope(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let suppress = |n| {
        let entry = world.entry("a@example.com", if n == 7 { All } else { Marketing });
        let (store, tenant) = (Arc::clone(&world.store), world.tenant.clone());
        async move { store.suppress(&tenant, &[entry], &Actor::Application).await }
    };
    for answer in at_once(16, suppress).await {
        answer.expect("is added");
    }
    assert_eq!(world.scope("a@example.com").await, Some(All));
}

async fn the_pepper_does_not_change(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let before = world.hash("a@example.com");
    world.suppress("a@example.com", All).await;
    assert_eq!(world.hash("a@example.com"), before);
    if harness.durable() {
        let again = World {
            store: harness.reopen().await,
            tenant: sample::tenant(),
        };
        assert_eq!(
            again.hash("a@example.com"),
            before,
            "after the process was killed"
        );
    }
}

async fn a_change_by_an_operator_writes_one_audit_row(harness: &dyn StoreHarness) {
    let (world, operator) = (World::new(harness).await, Actor::operator("op-1"));
    harness.clock().advance(Duration::from_secs(5));
    let entry = world.entry("ada@example.com", All);
    world
        .store
        .suppress(&world.tenant, &[entry], &operator)
        .await
        .expect("is added");
    assert!(world.lift("ada@example.com", &operator).await);
    if Arc::clone(&world.store).audit().is_none() {
        return;
    }
    let rows = world.rows().await;
    let actions: Vec<_> = rows.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["suppression.add", "suppression.lift"]);
    assert!(rows.iter().all(|row| row.actor == "op-1"), "{rows:?}");
    assert_eq!(
        rows[0].subject, rows[1].subject,
        "both are about the same address"
    );
    assert!(
        rows[0].subject.starts_with("email:"),
        "the channel, and the hash as hexadecimal digits"
    );
    assert!(
        !format!("{rows:?}").contains("example.com"),
        "an address is in the log"
    );
    assert_eq!(rows[0].at, AT, "the time that the call gave");
    assert_eq!(
        rows[1].at,
        harness.clock().now(),
        "the time of the store's clock"
    );
}

async fn lifting_nothing_leaves_no_audit_row(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert!(!world.lift("a@example.com", &Actor::operator("op-1")).await);
    assert!(world.rows().await.is_empty(), "{:?}", world.rows().await);
}

async fn a_change_by_others_writes_no_audit_row(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for actor in [Actor::Application, Actor::Recipient] {
        let entry = world.entry("a@example.com", All);
        world
            .store
            .suppress(&world.tenant, &[entry], &actor)
            .await
            .expect("is added");
        assert!(world.lift("a@example.com", &actor).await);
    }
    assert!(world.rows().await.is_empty(), "{:?}", world.rows().await);
}

async fn entries_outlive_the_process(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.suppress("a@example.com", Marketing).await;
    world.suppress("b@example.com", All).await;
    world.lift("b@example.com", &Actor::Application).await;
    let again = World {
        store: harness.reopen().await,
        tenant: sample::tenant(),
    };
    let expected = harness.durable().then_some(Marketing);
    assert_eq!(
        (
            again.scope("a@example.com").await,
            again.scope("b@example.com").await
        ),
        (expected, None)
    );
}
