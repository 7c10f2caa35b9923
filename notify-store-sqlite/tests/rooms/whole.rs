//! What is in the file, and that all of it is there again.

use notify_core::audit::{Actor, AuditEntry};
use notify_core::id::{IdGenerator, RecipientId};
use notify_core::inbox::{InboxLimits, InboxStore, Mark};
use notify_core::preference::{
    AddressHash, PreferenceChange, Suppression, SuppressionScope, SuppressionSource,
    SuppressionStore,
};
use notify_core::provider::{ProviderConfig, ProviderStore};
use notify_core::store::Store;
use notify_core::template::{Partial, Release, Template, TemplateSet, TemplateStore, Translations};
use notify_core::{Address, ChannelId, ErrorKind, PreferenceStore, Recipient, RecipientResolver};
use sqlx::Row;
use std::sync::Arc;

use crate::world::{NOW, World, cell, item, put};

#[tokio::test]
async fn a_suppressed_address_is_nowhere_in_the_file() {
    let world = World::new().await;
    let address = Address::email("canary-7d1f@example.com");
    let hash = world.store.pepper().address(&address);
    let (scope, source) = (SuppressionScope::All, SuppressionSource::Complaint);
    let entry = Suppression::new(ChannelId::EMAIL, hash, scope, source, NOW);
    let operator = Actor::operator("op-1");
    world
        .store
        .suppress(&world.tenant, &[entry], &operator)
        .await
        .expect("is added");
    world.store.close().await;
    for file in std::fs::read_dir(world.folder.path()).expect("folder") {
        let bytes = std::fs::read(file.expect("file").path()).expect("reads");
        assert!(!bytes.windows(11).any(|part| part == b"canary-7d1f"));
    }
}

#[tokio::test]
async fn the_consent_log_says_who_agreed_to_what_in_which_words() {
    let world = World::new().await;
    for granted in [true, false] {
        let change = PreferenceChange::Consent {
            recipient: "ada".into(),
            category: "news".into(),
            granted,
            source: "signup form".to_owned(),
            wording: String::new(),
        };
        world
            .store
            .apply(&world.tenant, &change, &Actor::Recipient, NOW)
            .await
            .expect("applies");
    }
    let rows = world
        .rows(
            "SELECT tenant, recipient, category, granted, source, actor, at
             FROM notify_consents ORDER BY no",
        )
        .await;
    let granted: Vec<bool> = rows.iter().map(|row| row.get(3)).collect();
    assert_eq!(granted, [true, false]);
    let texts = [0, 1, 2, 4, 5].map(|place| rows[0].get::<String, _>(place));
    assert_eq!(texts, ["acme", "ada", "news", "signup form", "recipient"]);
    assert_eq!(rows[0].get::<i64, _>(6), NOW.as_micros());
}

/// Puts something into every room.
async fn fill(world: &World) {
    let (store, tenant, operator) = (&world.store, &world.tenant, Actor::operator("op-1"));
    let ada = Recipient::new("ada")
        .with_email("ada@example.com")
        .with_attribute("n", 7);
    put(store, tenant, &[ada]).await.expect("is stored");
    store
        .apply(tenant, &cell("ada", 1), &operator, NOW)
        .await
        .expect("is applied");
    let (scope, source) = (SuppressionScope::Marketing, SuppressionSource::Manual);
    let entry = Suppression::new(ChannelId::EMAIL, hash(world), scope, source, NOW);
    store
        .suppress(tenant, &[entry], &operator)
        .await
        .expect("is added");
    let ids = IdGenerator::new(1);
    let items = [item(&ids, "ada", NOW), item(&ids, "ada", NOW)];
    store
        .push(tenant, &items, &InboxLimits::default())
        .await
        .expect("is stored");
    store
        .mark(tenant, &"ada".into(), &[1], Mark::Seen, NOW)
        .await
        .expect("is marked");
    let put = TemplateStore::put(store, tenant, &template(), None, &operator).await;
    assert_eq!(put.expect("is stored").version, 1);
    let footer = Partial::new("footer", "f");
    store
        .put_partial(tenant, &footer, None, &operator)
        .await
        .expect("is stored");
    let english = Translations::new("en").with("k", "v");
    store
        .put_translations(tenant, &english, None, &operator)
        .await
        .expect("is stored");
    store
        .publish(tenant, &release())
        .await
        .expect("is published");
    let smtp = ProviderConfig::new(ChannelId::EMAIL, "smtp", "smtp://relay.example.com");
    store
        .put_provider(&smtp, 0, &operator, NOW)
        .await
        .expect("is stored");
}

fn template() -> Template {
    Template::new("hello", "sms", "en").with_part("text", "Hi {{name}}")
}

fn release() -> Release {
    Release::of(TemplateSet::new().add(template()))
}

fn hash(world: &World) -> AddressHash {
    world
        .store
        .pepper()
        .address(&Address::email("ada@example.com"))
}

/// What is read of every room: the longer texts as they are printed.
async fn everything(world: &World) -> Vec<String> {
    let (store, tenant, ada) = (&world.store, &world.tenant, RecipientId::new("ada"));
    let ids = std::slice::from_ref(&ada);
    let asked = [
        (ChannelId::EMAIL, hash(world)),
        (ChannelId::SMS, hash(world)),
    ];
    let recipient = store
        .resolve(tenant, ids)
        .await
        .expect("reads")
        .remove(0)
        .expect("is there");
    let providers = store.providers().await.expect("reads");
    vec![
        serde_json::to_string(&recipient).expect("is JSON"),
        format!("{:?}", store.load(tenant, ids).await.expect("reads")),
        format!(
            "{:?}",
            store.suppressed(tenant, &asked).await.expect("reads")
        ),
        format!("{:?}", store.counts(tenant, &ada).await.expect("reads")),
        format!(
            "{:?}",
            store
                .page(tenant, &ada, None, 9, true)
                .await
                .expect("reads")
        ),
        format!("{:?}", store.load_all(tenant).await.expect("reads")),
        format!("{:?}", store.revision(tenant).await.expect("reads")),
        format!("{:?} {}", providers, providers[0].dsn_text()),
        format!("{:?}", store.provider_revision().await.expect("reads")),
        format!("{:?}", audit_log(world).await),
    ]
}

async fn audit_log(world: &World) -> Vec<AuditEntry> {
    let audit = Arc::new(world.store.clone()).audit().expect("has one");
    audit
        .audit_log(&world.tenant, None, 100)
        .await
        .expect("reads")
}

#[tokio::test]
async fn everything_is_there_after_the_store_was_closed_and_opened() {
    let world = World::new().await;
    fill(&world).await;
    let before = everything(&world).await;
    assert_eq!(audit_log(&world).await.len(), 5);
    let world = world.reopen().await;
    world.check().await;
    assert_eq!(everything(&world).await, before);
    let store = &world.store;
    let found = TemplateStore::release(store, &world.tenant, release().id())
        .await
        .expect("reads");
    assert_eq!(found.as_ref(), Some(release().set()));
    let other = TemplateStore::release(store, &"globex".into(), release().id()).await;
    assert!(
        other.expect("reads").is_none(),
        "another tenant did not publish it"
    );
}

#[tokio::test]
async fn what_would_not_read_back_is_refused() {
    let world = World::new().await;
    let (store, tenant) = (&world.store, &world.tenant);
    let mut deep = serde_json::Value::Null;
    for _ in 0..130 {
        deep = serde_json::Value::Array(vec![deep]);
    }
    let ada = Recipient::new("ada").with_attribute("deep", deep.clone());
    let error = put(store, tenant, &[Recipient::new("bob"), ada])
        .await
        .expect_err("too deep");
    assert_eq!(
        (error.kind(), error.field_name()),
        (ErrorKind::Invalid, Some("recipient.attributes"))
    );
    let found = store
        .resolve(tenant, &["ada".into(), "bob".into()])
        .await
        .expect("reads");
    assert_eq!(found, [None, None]);
    let template = template().with_sample(deep);
    let put = TemplateStore::put(store, tenant, &template, None, &Actor::Application).await;
    assert_eq!(put.expect_err("too deep").kind(), ErrorKind::Invalid);
    assert_eq!(store.revision(tenant).await.expect("reads"), 0);
}
