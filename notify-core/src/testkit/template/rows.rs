//! What is stored reads back as it was put.

use serde_json::json;

use super::{APPLICATION, World, key, template};
use crate::clock::Timestamp;
use crate::error::ErrorKind;
use crate::id::Locale;
use crate::template::{
    Partial, PluralCategory, Template, TemplateKey, TranslationEntry, Translations, Variable,
};
use crate::testkit::StoreHarness;

const TEXT: &str = "“quotes” \"'\\ {{order.id}} \u{1F600}\r\n\t%_ -- ;";

pub(super) async fn a_template_reads_back_whole(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let full = Template::new("account/locked 👩‍🚀", Template::ANY_CHANNEL, "zh-Hant-TW")
        .with_part("subject", TEXT)
        .with_part("html", "x".repeat(60_000))
        .with_part("text", "")
        .with_variable(Variable::required("order.id").with_sample(json!({ "a": [1, 0.5, null] })))
        .with_variable(Variable::optional("name"))
        .with_sample(json!({ "order": { "id": "A-17", "total": u64::MAX } }))
        .with_editor("zoë o'neil");
    let put = world
        .templates
        .put(&world.tenant, &full, None, &APPLICATION)
        .await
        .expect("is stored");
    let got = world
        .templates
        .get(&world.tenant, &TemplateKey::from(&full))
        .await
        .expect("gets");
    assert_eq!(got, Some(put.clone()));
    let mut expected = full;
    (expected.version, expected.created_at, expected.updated_at) = (1, world.now(), world.now());
    assert_eq!(put, expected);
}

pub(super) async fn a_partial_reads_back_whole(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let full = Partial::new("layouts/base.v2", TEXT).with_editor("zoë o'neil");
    let put = world
        .templates
        .put_partial(&world.tenant, &full, None, &APPLICATION)
        .await;
    let put = put.expect("is stored");
    let all = world
        .templates
        .load_all(&world.tenant)
        .await
        .expect("loads");
    assert_eq!(all.partials, std::slice::from_ref(&put));
    let mut expected = full;
    (expected.version, expected.created_at, expected.updated_at) = (1, world.now(), world.now());
    assert_eq!(put, expected);
}

pub(super) async fn translations_read_back_whole(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let plural = TranslationEntry::plural([
        (PluralCategory::One, "{count} предмет"),
        (PluralCategory::Few, "{count} предмета"),
        (PluralCategory::Other, TEXT),
    ]);
    let full = Translations::new("ru")
        .with("cart.items", plural)
        .with("empty", "")
        .with("it's a key", TEXT)
        .with_editor("zoë o'neil");
    let put = world
        .templates
        .put_translations(&world.tenant, &full, None, &APPLICATION)
        .await;
    let put = put.expect("is stored");
    let all = world
        .templates
        .load_all(&world.tenant)
        .await
        .expect("loads");
    assert_eq!(all.translations, std::slice::from_ref(&put));
    let mut expected = full;
    (expected.version, expected.created_at, expected.updated_at) = (1, world.now(), world.now());
    assert_eq!(put, expected);
}

pub(super) async fn what_does_not_validate_is_refused(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let (tenant, templates) = (&world.tenant, &world.templates);
    let refused = [
        templates
            .put(
                tenant,
                &Template::new("a", "email", "en"),
                None,
                &APPLICATION,
            )
            .await
            .err(),
        templates
            .put(tenant, &template("", "no name"), None, &APPLICATION)
            .await
            .err(),
        templates
            .put_partial(tenant, &Partial::new("a b", "x"), None, &APPLICATION)
            .await
            .err(),
        templates
            .put_translations(tenant, &Translations::new(""), None, &APPLICATION)
            .await
            .err(),
    ];
    for (n, error) in refused.into_iter().enumerate() {
        assert_eq!(
            error.expect("is refused").kind(),
            ErrorKind::Invalid,
            "case {n}"
        );
    }
    assert!(templates.load_all(tenant).await.expect("loads").is_empty());
    assert_eq!(world.revision().await, 0);
}

pub(super) async fn keys_are_compared_exactly(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let longest = "я".repeat(255);
    let mut keys = vec![
        key("a"),
        key("A"),
        key("à"),
        key("a\u{300}"),
        key("a "),
        key("a%"),
        key("a_"),
        key("a'b"),
        key(&longest),
    ];
    keys.extend(
        ["EN", "en-GB", "en-gb", "en_GB"].map(|locale| TemplateKey::new("a", "email", locale)),
    );
    keys.extend(["Email", "*"].map(|channel| TemplateKey::new("a", channel, "en")));
    for (n, key) in keys.iter().enumerate() {
        let row = Template::new(key.name.clone(), key.channel.clone(), key.locale.clone());
        let row = row.with_part("text", n.to_string());
        let put = world
            .templates
            .put(&world.tenant, &row, None, &APPLICATION)
            .await;
        put.unwrap_or_else(|error| panic!("{key:?} is taken for another one: {error}"));
    }
    for (n, key) in keys.iter().enumerate() {
        let got = world
            .templates
            .get(&world.tenant, key)
            .await
            .expect("gets")
            .expect("is there");
        assert_eq!(
            (TemplateKey::from(&got), got.parts["text"].as_str()),
            (key.clone(), n.to_string().as_str())
        );
    }
    for locale in ["pt-BR", "pt-br"] {
        let row = Translations::new(locale).with("text", locale);
        let put = world
            .templates
            .put_translations(&world.tenant, &row, None, &APPLICATION)
            .await;
        assert_eq!(put.expect("is another one").created_at, world.now());
    }
    let upper = Locale::new("PT-BR");
    let deleted = world
        .templates
        .delete_translations(&world.tenant, &upper, &APPLICATION)
        .await;
    assert!(!deleted.expect("deletes nothing"), "it is none of the two");
    assert!(world.now() > Timestamp::EPOCH);
}
