//! The contract of [`RecipientStore`], clause by clause. As a resolver it has the clauses of
//! [`resolver`](crate::testkit::resolver) besides.

use serde_json::json;
use std::sync::Arc;

use crate::address::Address;
use crate::audit::{Actor, AuditEntry};
use crate::error::ErrorKind;
use crate::id::{RecipientId, TenantId};
use crate::recipient::{Recipient, RecipientStore};
use crate::store::Store;
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses, sample};

clauses! {
    /// One test for each clause of [`RecipientStore`](crate::recipient::RecipientStore). Takes an
    /// expression that makes a [`StoreHarness`](crate::testkit::StoreHarness) whose store has one.
    macro $ recipient_tests for recipient: dyn StoreHarness {
        put_is_visible_to_resolve_when_it_returns,
        put_replaces_a_recipient_whole,
        everything_of_a_recipient_reads_back,
        of_two_with_the_same_id_in_one_call_the_later_stands,
        several_in_one_call_are_all_stored,
        of_several_in_one_call_all_are_stored_or_none,
        what_does_not_validate_is_refused_by_field,
        nobody_is_stored_and_removed_without_error,
        remove_forgets_and_says_how_many,
        remove_of_an_unknown_id_is_no_error,
        tenants_do_not_share_recipients,
        a_change_by_an_operator_writes_one_audit_row,
        each_recipient_of_one_call_has_its_audit_row,
        what_was_refused_or_removed_nobody_leaves_no_audit_row,
        a_change_by_others_writes_no_audit_row,
        callers_at_the_same_time_store_whole_recipients,
        recipients_outlive_the_process,
    }
}

/// One store under test, and what clauses do with it.
struct World {
    store: Arc<dyn Store>,
    recipients: Arc<dyn RecipientStore>,
    tenant: TenantId,
}

impl World {
    async fn new(harness: &dyn StoreHarness) -> Self {
        Self::of(harness.open().await)
    }

    fn of(store: Arc<dyn Store>) -> Self {
        let recipients = Arc::clone(&store)
            .recipients()
            .expect("the store keeps recipients");
        Self {
            store,
            recipients,
            tenant: sample::tenant(),
        }
    }

    async fn put(&self, recipients: &[Recipient]) {
        let put = self
            .recipients
            .put(&self.tenant, recipients, &Actor::Application)
            .await;
        put.expect("is stored");
    }

    /// By the store and by its room: both are the same table.
    async fn get(&self, id: &str) -> Option<Recipient> {
        let ids = [RecipientId::from(id)];
        let here = self
            .recipients
            .resolve(&self.tenant, &ids)
            .await
            .expect("resolves");
        let there = self
            .store
            .resolve(&self.tenant, &ids)
            .await
            .expect("resolves");
        assert_eq!(here, there, "the store and its room differ");
        here.into_iter().next().expect("one entry for one id")
    }

    async fn remove(&self, ids: &[&str]) -> u64 {
        let ids: Vec<_> = ids.iter().map(|id| RecipientId::from(*id)).collect();
        self.recipients
            .remove(&self.tenant, &ids, &Actor::Application)
            .await
            .expect("removes")
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

    fn is_audited(&self) -> bool {
        Arc::clone(&self.store).audit().is_some()
    }
}

async fn put_is_visible_to_resolve_when_it_returns(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let ada = sample::recipient("ada");
    world.put(std::slice::from_ref(&ada)).await;
    assert_eq!(world.get("ada").await, Some(ada));
}

async fn put_replaces_a_recipient_whole(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world
        .put(&[sample::recipient("ada"), sample::recipient("bob")])
        .await;
    let bare = Recipient::new("ada");
    world.put(std::slice::from_ref(&bare)).await;
    assert_eq!(
        world.get("ada").await,
        Some(bare),
        "what is not given any more is gone"
    );
    assert_eq!(world.get("bob").await, Some(sample::recipient("bob")));
}

async fn everything_of_a_recipient_reads_back(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let zoe = Recipient::new("zoë 👩‍🚀 o'neil")
        .with_email("zoë@example.com")
        .with_address(Address::new("matrix", "@zoë:example.org"))
        .with_address(Address::device("t".repeat(4_096)))
        .with_email("a@example.com")
        .with_locale("zh-Hant-TW")
        .with_zone("Asia/Taipei")
        .with_attribute("text", "“quotes” \"'\\ \u{1F600}\n\t")
        .with_attribute("largest", u64::MAX)
        .with_attribute("smallest", i64::MIN)
        .with_attribute("fraction", 0.1)
        .with_attribute("nothing", serde_json::Value::Null)
        .with_attribute("", "no name")
        .with_attribute("nested", json!({ "b": [1, { "a": true }], "a": {} }));
    let many = (0..64).fold(Recipient::new("many"), |many, n| {
        many.with_email(&format!("{}@example.com", (n * 37) % 64))
    });
    world.put(&[zoe.clone(), many.clone()]).await;
    assert_eq!(world.get(zoe.id().as_str()).await, Some(zoe));
    let found = world.get("many").await.expect("is there");
    assert_eq!(
        found.addresses(),
        many.addresses(),
        "in the order that was given"
    );
}

async fn of_two_with_the_same_id_in_one_call_the_later_stands(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let last = Recipient::new("ada").with_phone("+15550199");
    world
        .put(&[
            sample::recipient("ada"),
            sample::recipient("bob"),
            last.clone(),
        ])
        .await;
    assert_eq!(world.get("ada").await, Some(last));
}

async fn several_in_one_call_are_all_stored(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let all: Vec<_> = (0..1_000)
        .map(|n| sample::recipient(&format!("r{n}")))
        .collect();
    world.put(&all).await;
    let ids: Vec<_> = all.iter().map(|one| one.id().clone()).collect();
    let found = world
        .recipients
        .resolve(&world.tenant, &ids)
        .await
        .expect("resolves");
    assert!(found.into_iter().eq(all.into_iter().map(Some)));
}

async fn of_several_in_one_call_all_are_stored_or_none(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.put(&[sample::recipient("known")]).await;
    let changed = Recipient::new("known").with_email("changed@example.com");
    let bad = Recipient::new("bad").with_email("not an address");
    let batch = [
        changed,
        sample::recipient("good"),
        bad,
        sample::recipient("also good"),
    ];
    let put = world
        .recipients
        .put(&world.tenant, &batch, &Actor::Application)
        .await;
    assert_eq!(put.expect_err("one is bad").kind(), ErrorKind::Invalid);
    for id in ["good", "bad", "also good"] {
        assert_eq!(world.get(id).await, None, "{id} was stored");
    }
    assert_eq!(
        world.get("known").await,
        Some(sample::recipient("known")),
        "it was changed"
    );
}

async fn what_does_not_validate_is_refused_by_field(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let crowd = (0..65).fold(Recipient::new("a"), |crowd, n| {
        crowd.with_email(&format!("{n}@example.com"))
    });
    for (field, bad) in [
        ("recipient.id", Recipient::new("")),
        ("recipient.id", Recipient::new("x".repeat(256))),
        ("recipient.locale", Recipient::new("a").with_locale("")),
        (
            "recipient.zone",
            Recipient::new("a").with_zone("Mars/Olympus"),
        ),
        ("recipient.addresses", crowd),
        (
            "recipient.addresses[1]",
            Recipient::new("a").with_phone("+15550100").with_email("no"),
        ),
    ] {
        let put = world
            .recipients
            .put(&world.tenant, &[bad], &Actor::Application)
            .await;
        let error = put.expect_err(field);
        assert_eq!(
            (error.kind(), error.field_name()),
            (ErrorKind::Invalid, Some(field))
        );
    }
    assert_eq!(world.get("a").await, None);
}

async fn nobody_is_stored_and_removed_without_error(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.put(&[]).await;
    assert_eq!(world.remove(&[]).await, 0);
}

async fn remove_forgets_and_says_how_many(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.put(&["a", "b", "c"].map(sample::recipient)).await;
    assert_eq!(world.remove(&["a", "c", "unknown", "a"]).await, 2);
    assert_eq!((world.get("a").await, world.get("c").await), (None, None));
    assert_eq!(world.get("b").await, Some(sample::recipient("b")));
    world.put(&[Recipient::new("a")]).await;
    assert_eq!(
        world.get("a").await,
        Some(Recipient::new("a")),
        "nothing of the old one is left"
    );
}

async fn remove_of_an_unknown_id_is_no_error(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    assert_eq!(world.remove(&["unknown"]).await, 0);
    world.put(&[sample::recipient("a")]).await;
    assert_eq!(
        (world.remove(&["a"]).await, world.remove(&["a"]).await),
        (1, 0)
    );
}

async fn tenants_do_not_share_recipients(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let other = World {
        tenant: sample::other_tenant(),
        ..World::of(Arc::clone(&world.store))
    };
    world.put(&[sample::recipient("a")]).await;
    other.put(&[Recipient::new("a"), Recipient::new("b")]).await;
    assert_eq!(world.get("a").await, Some(sample::recipient("a")));
    assert_eq!(world.get("b").await, None);
    assert_eq!(world.remove(&["a", "b"]).await, 1);
    assert_eq!(other.get("a").await, Some(Recipient::new("a")));
}

async fn a_change_by_an_operator_writes_one_audit_row(harness: &dyn StoreHarness) {
    let (world, operator) = (World::new(harness).await, Actor::operator("op-1"));
    let put = world
        .recipients
        .put(&world.tenant, &[sample::recipient("a")], &operator)
        .await;
    put.expect("is stored");
    harness.clock().advance(std::time::Duration::from_secs(1));
    let ids = [RecipientId::new("a")];
    world
        .recipients
        .remove(&world.tenant, &ids, &operator)
        .await
        .expect("removes");
    if world.is_audited() {
        let rows = world.rows().await;
        let actions: Vec<_> = rows.iter().rev().map(|row| row.action.as_str()).collect();
        assert_eq!(actions, ["recipient.put", "recipient.remove"]);
        assert!(
            rows.iter()
                .all(|row| row.actor == "op-1" && row.subject == "a"),
            "{rows:?}"
        );
        let now = crate::clock::Clock::now(&*harness.clock());
        assert_eq!(rows[0].at, now, "the time of the store's clock");
        assert!(
            !format!("{rows:?}").contains('@'),
            "an address is in the log"
        );
    }
}

async fn each_recipient_of_one_call_has_its_audit_row(harness: &dyn StoreHarness) {
    let (world, operator) = (World::new(harness).await, Actor::operator("op-1"));
    let both = ["a", "b"].map(sample::recipient);
    world
        .recipients
        .put(&world.tenant, &both, &operator)
        .await
        .expect("is stored");
    let ids = ["a", "b"].map(RecipientId::from);
    world
        .recipients
        .remove(&world.tenant, &ids, &operator)
        .await
        .expect("removes");
    if world.is_audited() {
        let rows = world.rows().await;
        let mut subjects: Vec<_> = rows
            .iter()
            .map(|row| (row.action.as_str(), row.subject.as_str()))
            .collect();
        subjects.sort_unstable();
        let put = [("recipient.put", "a"), ("recipient.put", "b")];
        assert_eq!(
            subjects,
            [put, [("recipient.remove", "a"), ("recipient.remove", "b")]].concat()
        );
    }
}

async fn what_was_refused_or_removed_nobody_leaves_no_audit_row(harness: &dyn StoreHarness) {
    let (world, operator) = (World::new(harness).await, Actor::operator("op-1"));
    let batch = [sample::recipient("good"), Recipient::new("")];
    let put = world.recipients.put(&world.tenant, &batch, &operator).await;
    assert!(put.is_err(), "one is bad");
    let ids = [RecipientId::new("unknown")];
    world
        .recipients
        .remove(&world.tenant, &ids, &operator)
        .await
        .expect("removes nobody");
    assert!(
        world.rows().await.is_empty(),
        "nothing changed: {:?}",
        world.rows().await
    );
}

async fn a_change_by_others_writes_no_audit_row(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    for actor in [Actor::Application, Actor::Recipient] {
        let put = world
            .recipients
            .put(&world.tenant, &[sample::recipient("a")], &actor)
            .await;
        put.expect("is stored");
        let ids = [RecipientId::new("a")];
        world
            .recipients
            .remove(&world.tenant, &ids, &actor)
            .await
            .expect("removes");
    }
    assert!(world.rows().await.is_empty(), "{:?}", world.rows().await);
}

async fn callers_at_the_same_time_store_whole_recipients(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let put = |n: usize| {
        let (recipients, tenant) = (Arc::clone(&world.recipients), world.tenant.clone());
        let email = format!("{n}@example.com");
        let ada = (0..n % 4).fold(Recipient::new("ada"), |ada, _| ada.with_email(&email));
        let own = Recipient::new(format!("r{n}"));
        let both = [ada, own].map(|one| one.with_attribute("writer", n));
        async move { recipients.put(&tenant, &both, &Actor::Application).await }
    };
    for answer in at_once(16, put).await {
        answer.expect("is stored");
    }
    let ada = world.get("ada").await.expect("is there");
    let writer = ada.attributes()["writer"].as_u64().expect("a number");
    let whole = ada
        .addresses()
        .iter()
        .all(|address| address.expose() == format!("{writer}@example.com"));
    assert!(
        whole && ada.addresses().len() as u64 == writer % 4,
        "two writers are mixed"
    );
    for n in 0..16 {
        assert!(world.get(&format!("r{n}")).await.is_some(), "r{n} was lost");
    }
}

async fn recipients_outlive_the_process(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    world.put(&["a", "b"].map(sample::recipient)).await;
    world.remove(&["b"]).await;
    let again = World::of(harness.reopen().await);
    let expected = harness.durable().then(|| sample::recipient("a"));
    assert_eq!(
        (again.get("a").await, again.get("b").await),
        (expected, None)
    );
}
