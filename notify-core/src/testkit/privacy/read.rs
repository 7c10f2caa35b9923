//! The consent log and the suppression list, read as a whole.

use super::{room, suppression, want};
use crate::audit::Actor;
use crate::id::ChannelId;
use crate::preference::PreferenceChange;
use crate::testkit::world::{ADA, SECOND, World};
use crate::testkit::{StoreHarness, sample};

pub(super) async fn the_consent_log_reads_back_oldest_first(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let first = world.now();
    let wording = "Ja, ich möchte “News”";
    want(
        &world,
        &PreferenceChange::agree("ada", "news", "form", wording),
    )
    .await;
    let second = world.pass(SECOND);
    want(&world, &PreferenceChange::withdraw("ada", "news", "link")).await;
    let log = room(&world).consents(&world.tenant, &ADA).await;
    let log = log.expect("reads");
    let rows: Vec<_> = log
        .iter()
        .map(|row| {
            let said = (row.source.as_str(), row.wording.as_str());
            (row.recipient.as_str(), row.granted, said, row.at)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("ada", true, ("form", wording), first),
            ("ada", false, ("link", ""), second)
        ]
    );
    assert!(
        log.iter()
            .all(|row| row.category == "news" && row.actor == "recipient")
    );
}

pub(super) async fn the_consent_log_shows_nobody_elses(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    want(&world, &PreferenceChange::agree("bob", "news", "form", "")).await;
    let elsewhere = PreferenceChange::agree("ada", "news", "form", "");
    let (tenant, actor) = (sample::other_tenant(), Actor::Recipient);
    let applied = crate::preference::PreferenceStore::apply(
        &*world.store,
        &tenant,
        &elsewhere,
        &actor,
        world.now(),
    );
    applied.await.expect("is applied");
    let log = room(&world).consents(&world.tenant, &ADA).await;
    assert_eq!(log.expect("reads"), []);
}

pub(super) async fn suppressions_come_in_pages_without_gap_or_repetition(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let mut entries = Vec::new();
    for no in 0..7 {
        let mut entry = suppression(&world, &format!("{no}@example.com"));
        if no % 2 == 0 {
            entry.channel = ChannelId::SMS;
        }
        entries.push(entry);
    }
    let (tenant, actor) = (&world.tenant, Actor::Application);
    let added = world.store.suppress(tenant, &entries, &actor).await;
    added.expect("is added");
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = room(&world).suppressions(tenant, after.as_ref(), 3).await;
        let page = page.expect("a page");
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = Some((last.channel.clone(), last.address));
        seen.extend(page);
    }
    entries.sort_by_key(|entry| (entry.channel.clone(), entry.address));
    assert_eq!(seen, entries);
}

pub(super) async fn suppressions_of_another_tenant_are_not_shown(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let entry = suppression(&world, "a@example.com");
    let (tenant, actor) = (sample::other_tenant(), Actor::Application);
    let added = world.store.suppress(&tenant, &[entry], &actor).await;
    added.expect("is added");
    let page = room(&world).suppressions(&world.tenant, None, 10).await;
    assert_eq!(page.expect("a page"), []);
}
