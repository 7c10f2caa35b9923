//! Lists of templates, page by page.

use super::{APPLICATION, Kind, World, key};
use crate::template::{Template, TemplateFilter, TemplateKey, TemplatePage};
use crate::testkit::StoreHarness;

/// Stores a template for each key.
async fn store(world: &World, keys: &[TemplateKey]) {
    for key in keys {
        let row = Template::new(key.name.clone(), key.channel.clone(), key.locale.clone());
        let row = row.with_part("text", "x");
        let put = world
            .templates
            .put(&world.tenant, &row, None, &APPLICATION)
            .await;
        put.expect("is stored");
    }
}

/// The keys of all pages of `limit`, in their order.
async fn all(world: &World, filter: &TemplateFilter, limit: u32) -> Vec<TemplateKey> {
    let (mut found, mut page) = (Vec::new(), TemplatePage::new().with_limit(limit));
    loop {
        let listed = world.list(filter, &page).await;
        let Some(last) = listed.last() else {
            return found;
        };
        assert!(
            listed.len() <= limit.min(TemplatePage::MAX) as usize,
            "{} on a page of {limit}",
            listed.len()
        );
        page = page.after(TemplateKey::from(last));
        found.extend(listed.iter().map(TemplateKey::from));
    }
}

/// Keys whose order differs under collations, not in order.
fn unordered() -> Vec<TemplateKey> {
    let mut keys: Vec<_> = [
        "b",
        "a",
        "B",
        "a b",
        "ab",
        "à",
        "_",
        "a_",
        "a-",
        "z",
        "é",
        "👩‍🚀",
    ]
    .map(key)
    .into();
    for (channel, locale) in [
        ("*", "en"),
        ("sms", "en"),
        ("email", "pt-BR"),
        ("email", "pt"),
        ("Sms", "EN"),
    ] {
        keys.push(TemplateKey::new("a", channel, locale));
    }
    keys
}

pub(super) async fn a_list_is_in_the_order_of_the_keys(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let mut keys = unordered();
    store(&world, &keys).await;
    keys.sort();
    assert_eq!(all(&world, &TemplateFilter::new(), 50).await, keys);
}

pub(super) async fn a_filter_holds_for_every_page(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let mut keys = unordered();
    store(&world, &keys).await;
    keys.sort();
    for filter in [
        TemplateFilter::new().with_name("a"),
        TemplateFilter::new().with_channel("email"),
        TemplateFilter::new().with_locale("en"),
        TemplateFilter::new().with_name("a").with_channel("email"),
        TemplateFilter::new()
            .with_name("a")
            .with_channel("sms")
            .with_locale("en"),
        TemplateFilter::new().with_name("unknown"),
    ] {
        let fits = |key: &&TemplateKey| {
            let row = Template::new(key.name.clone(), key.channel.clone(), key.locale.clone());
            filter.matches(&row)
        };
        let expected: Vec<_> = keys.iter().filter(fits).cloned().collect();
        assert_eq!(all(&world, &filter, 2).await, expected, "{filter:?}");
    }
}

pub(super) async fn deleted_templates_are_listed_only_if_asked_for(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    store(&world, &["a", "b", "c"].map(key)).await;
    world.clock.advance(std::time::Duration::from_secs(1));
    assert!(world.delete(Kind::Template, "b").await);
    assert_eq!(
        all(&world, &TemplateFilter::new(), 1).await,
        ["a", "c"].map(key)
    );
    let with_deleted = TemplateFilter::new().with_deleted();
    assert_eq!(
        all(&world, &with_deleted, 1).await,
        ["a", "b", "c"].map(key)
    );
    let listed = world.list(&with_deleted, &TemplatePage::new()).await;
    let deleted: Vec<_> = listed.iter().map(|row| row.deleted_at).collect();
    assert_eq!(deleted, [None, Some(world.now()), None]);
}

pub(super) async fn pages_hold_each_template_once(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let mut keys = unordered();
    store(&world, &keys).await;
    keys.sort();
    for limit in [1, 2, 5, 17, 18] {
        assert_eq!(
            all(&world, &TemplateFilter::new(), limit).await,
            keys,
            "pages of {limit}"
        );
    }
}

pub(super) async fn a_page_is_no_longer_than_its_limit(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    let keys: Vec<_> = (0..510).map(|n| key(&format!("t{n:03}"))).collect();
    store(&world, &keys).await;
    for (limit, expected) in [(0, 0), (1, 1), (500, 500), (501, 500), (u32::MAX, 500)] {
        let page = TemplatePage::new().with_limit(limit);
        let listed = world.list(&TemplateFilter::new(), &page).await;
        assert_eq!(listed.len(), expected, "a page of {limit}");
    }
    assert_eq!(
        world
            .list(&TemplateFilter::new(), &TemplatePage::new())
            .await
            .len(),
        50
    );
    assert_eq!(all(&world, &TemplateFilter::new(), u32::MAX).await, keys);
}

pub(super) async fn a_page_begins_after_a_key_that_is_gone(harness: &dyn StoreHarness) {
    let world = World::new(harness).await;
    store(&world, &["a", "c", "d"].map(key)).await;
    let page = TemplatePage::new().after(key("b"));
    let listed = world.list(&TemplateFilter::new(), &page).await;
    let listed: Vec<_> = listed.iter().map(TemplateKey::from).collect();
    assert_eq!(listed, ["c", "d"].map(key), "after a key that never was");
    assert!(world.delete(Kind::Template, "c").await);
    let page = TemplatePage::new().after(key("c"));
    let listed = world.list(&TemplateFilter::new(), &page).await;
    assert_eq!(listed.len(), 1, "after a key that was deleted");
}
