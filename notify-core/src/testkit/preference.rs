//! The contract of [`PreferenceStore`], clause by clause.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Actor, AuditStore};
use crate::calendar::{LocalWindow, Weekdays};
use crate::clock::Timestamp;
use crate::id::{CategoryId, ChannelId, RecipientId, TenantId};
use crate::notification::InQuietHours;
use crate::preference::{
    PreferenceChange, PreferenceStore, Preferences, QuietHours, QuietRule, Setting, Settings, Stamp,
};
use crate::store::Store;
use crate::testkit::world::at_once;
use crate::testkit::{StoreHarness, clauses, sample};

/// Opens one implementation of [`PreferenceStore`] for one test. Every [`StoreHarness`] is one; an
/// application that keeps preferences in its own tables writes its own.
#[async_trait]
pub trait PreferenceHarness: Send + Sync {
    /// An empty store. Asked once for each harness, before anything else.
    async fn preferences(&self) -> PreferenceRooms;

    /// What a new process finds after the one that called [`preferences`](Self::preferences) was
    /// killed; `None` if the store does not outlive its process.
    async fn preferences_again(&self) -> Option<PreferenceRooms>;

    /// Whether the store shares its database with the queue, and so gives every answer a stamp.
    fn has_stamps(&self) -> bool;
}

/// A store of preferences, and the audit log that it writes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreferenceRooms {
    /// The store.
    pub preferences: Arc<dyn PreferenceStore>,
    /// The audit log; `None` if the application keeps its own.
    pub audit: Option<Arc<dyn AuditStore>>,
}

impl PreferenceRooms {
    /// A store, and the audit log that it writes.
    #[must_use]
    pub fn new(preferences: Arc<dyn PreferenceStore>, audit: Option<Arc<dyn AuditStore>>) -> Self {
        Self { preferences, audit }
    }

    fn of(store: Arc<dyn Store>) -> Self {
        Self {
            preferences: Arc::<dyn Store>::clone(&store),
            audit: store.audit(),
        }
    }
}

#[async_trait]
impl<H: StoreHarness + ?Sized> PreferenceHarness for H {
    async fn preferences(&self) -> PreferenceRooms {
        PreferenceRooms::of(self.open().await)
    }

    async fn preferences_again(&self) -> Option<PreferenceRooms> {
        if self.durable() {
            Some(PreferenceRooms::of(self.reopen().await))
        } else {
            None
        }
    }

    fn has_stamps(&self) -> bool {
        true
    }
}

clauses! {
    /// One test for each clause of [`PreferenceStore`](crate::preference::PreferenceStore). Takes an
    /// expression that makes a [`PreferenceHarness`](crate::testkit::preference::PreferenceHarness);
    /// every [`StoreHarness`](crate::testkit::StoreHarness) is one.
    macro $ preference_tests for preference: dyn PreferenceHarness {
        load_answers_each_id_in_order,
        load_of_nobody_answers_nothing,
        someone_who_said_nothing_has_empty_settings,
        a_change_of_a_cell_is_visible_when_apply_returns,
        a_change_of_a_channel_is_visible_when_apply_returns,
        a_change_of_all_marketing_is_visible_when_apply_returns,
        a_change_of_quiet_hours_is_visible_when_apply_returns,
        a_replacement_forgets_what_was_said_before,
        a_consent_is_visible_until_it_is_withdrawn,
        the_tenants_rules_reach_everybody_of_the_tenant,
        a_change_touches_nobody_else,
        tenants_do_not_share_people,
        ids_are_compared_exactly,
        changes_at_the_same_time_lose_nothing,
        every_answer_has_a_stamp_or_none_has,
        a_stamp_stays_while_nothing_changes,
        every_change_of_a_person_makes_their_stamp_stale,
        a_change_of_the_tenants_rules_makes_every_stamp_stale,
        a_stamp_never_comes_back,
        a_stamp_grows_while_others_change,
        a_change_by_an_operator_writes_one_audit_row,
        a_change_of_the_tenants_rules_by_an_operator_writes_one_audit_row,
        a_change_by_others_writes_no_audit_row,
        what_was_applied_outlives_the_process,
    }
}

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// One store under test, and what clauses do with it.
struct World {
    store: Arc<dyn PreferenceStore>,
    audit: Option<Arc<dyn AuditStore>>,
    tenant: TenantId,
    has_stamps: bool,
}

impl World {
    async fn new(harness: &dyn PreferenceHarness) -> Self {
        let rooms = harness.preferences().await;
        Self {
            store: rooms.preferences,
            audit: rooms.audit,
            tenant: sample::tenant(),
            has_stamps: harness.has_stamps(),
        }
    }

    async fn load(&self, id: &str) -> Preferences {
        load(&*self.store, &self.tenant, id).await
    }

    async fn apply(&self, change: PreferenceChange) {
        let applied = self
            .store
            .apply(&self.tenant, &change, &Actor::Application, NOW)
            .await;
        applied.expect("the change is applied");
    }

    /// The stamp of one person; `None` from a store that gives none, which is asserted elsewhere.
    async fn stamp(&self, id: &str) -> Option<Stamp> {
        let stamp = self.load(id).await.stamp;
        assert_eq!(
            stamp.is_some(),
            self.has_stamps,
            "a stamp where there should be {}",
            self.has_stamps
        );
        stamp
    }
}

async fn load(store: &dyn PreferenceStore, tenant: &TenantId, id: &str) -> Preferences {
    let mut found = store
        .load(tenant, &[RecipientId::from(id)])
        .await
        .expect("loads");
    assert_eq!(found.len(), 1, "one entry for one id");
    found.remove(0)
}

fn cell(recipient: &str, category: &str, setting: Setting) -> PreferenceChange {
    PreferenceChange::Cell {
        recipient: recipient.into(),
        category: category.into(),
        channel: ChannelId::EMAIL,
        setting,
    }
}

/// Quiet hours with everything that can be said of them.
fn at_night() -> QuietHours {
    let night = LocalWindow::between("22:30", "07:15").expect("times");
    QuietHours::on()
        .with_windows([night.on(Weekdays::WORKDAYS), LocalWindow::all_day()])
        .in_zone("Asia/Kathmandu")
        .then(InQuietHours::Reroute(ChannelId::IN_APP))
}

fn nights(recipient: &str) -> PreferenceChange {
    PreferenceChange::QuietHours {
        recipient: recipient.into(),
        quiet_hours: at_night(),
    }
}

fn consent(recipient: &str, granted: bool) -> PreferenceChange {
    PreferenceChange::Consent {
        recipient: recipient.into(),
        category: CategoryId::new("news"),
        granted,
        source: "signup form".to_owned(),
        wording: "“yes, send me news”".to_owned(),
    }
}

fn tenant_rules(setting: Setting) -> PreferenceChange {
    let mut settings = Settings::default();
    settings.set("news", ChannelId::SMS, setting);
    PreferenceChange::Tenant { settings }
}

/// One change of each kind that a person can make; each of them says something new.
fn personal(recipient: &str) -> Vec<PreferenceChange> {
    let id = RecipientId::from(recipient);
    let mut settings = Settings::default();
    settings.set("orders", ChannelId::PUSH, Setting::No);
    vec![
        cell(recipient, "news", Setting::No),
        PreferenceChange::Channel {
            recipient: id.clone(),
            channel: ChannelId::SMS,
            setting: Setting::No,
        },
        PreferenceChange::Marketing {
            recipient: id.clone(),
            setting: Setting::No,
        },
        nights(recipient),
        PreferenceChange::QuietRule {
            recipient: id.clone(),
            rule: QuietRule::for_channel(ChannelId::SMS).then(InQuietHours::Drop),
        },
        consent(recipient, true),
        consent(recipient, false),
        PreferenceChange::Replace {
            recipient: id,
            settings,
        },
    ]
}

fn said(preferences: &Preferences, category: &'static str) -> Setting {
    preferences
        .user
        .cell(&CategoryId::new(category), &ChannelId::EMAIL)
}

async fn load_answers_each_id_in_order(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    world.apply(cell("b", "news", Setting::Yes)).await;
    let ids = ["b", "unknown", "a", "b"].map(RecipientId::from);
    let found = world.store.load(&world.tenant, &ids).await.expect("loads");
    let settings: Vec<_> = found
        .iter()
        .map(|preferences| said(preferences, "news"))
        .collect();
    assert_eq!(
        settings,
        [Setting::Yes, Setting::Inherit, Setting::No, Setting::Yes]
    );

    let many: Vec<_> = (0..600)
        .map(|n| RecipientId::from(format!("p{n}")))
        .collect();
    world.apply(cell("p599", "news", Setting::No)).await;
    let found = world.store.load(&world.tenant, &many).await.expect("loads");
    assert_eq!(found.len(), many.len(), "one entry for each of many ids");
    assert_eq!(
        said(&found[599], "news"),
        Setting::No,
        "the last of many ids"
    );
}

async fn load_of_nobody_answers_nothing(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    assert!(
        world
            .store
            .load(&world.tenant, &[])
            .await
            .expect("loads")
            .is_empty()
    );
}

async fn someone_who_said_nothing_has_empty_settings(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let found = world.load("a").await;
    assert!(
        found.user.is_empty(),
        "nothing was said, but {:?}",
        found.user
    );
    assert!(
        found.tenant.is_empty(),
        "the tenant has no rules, but {:?}",
        found.tenant
    );
    assert!(
        found.consents.is_empty(),
        "nobody agreed to {:?}",
        found.consents
    );
}

async fn a_change_of_a_cell_is_visible_when_apply_returns(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    for setting in [Setting::No, Setting::Yes, Setting::NotAllowed, Setting::No] {
        world.apply(cell("a", "news", setting)).await;
        assert_eq!(said(&world.load("a").await, "news"), setting);
    }
    world.apply(cell("a", "orders", Setting::Yes)).await;
    let found = world.load("a").await;
    assert_eq!(said(&found, "news"), Setting::No, "another cell stays");
    assert_eq!(said(&found, "orders"), Setting::Yes);
    world.apply(cell("a", "news", Setting::Inherit)).await;
    world.apply(cell("a", "orders", Setting::Inherit)).await;
    assert!(
        world.load("a").await.user.is_empty(),
        "inherit takes back what was said"
    );
}

async fn a_change_of_a_channel_is_visible_when_apply_returns(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    for setting in [Setting::No, Setting::Yes, Setting::Inherit] {
        let (recipient, channel) = (RecipientId::new("a"), ChannelId::new("chat.matrix"));
        world
            .apply(PreferenceChange::Channel {
                recipient,
                channel,
                setting,
            })
            .await;
        let found = world.load("a").await;
        assert_eq!(found.user.channel(&ChannelId::new("chat.matrix")), setting);
        assert_eq!(
            found.user.channel(&ChannelId::EMAIL),
            Setting::Inherit,
            "another channel"
        );
    }
}

async fn a_change_of_all_marketing_is_visible_when_apply_returns(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    for setting in [Setting::No, Setting::Yes, Setting::Inherit] {
        let recipient = RecipientId::new("a");
        world
            .apply(PreferenceChange::Marketing { recipient, setting })
            .await;
        assert_eq!(world.load("a").await.user.marketing(), setting);
    }
}

async fn a_change_of_quiet_hours_is_visible_when_apply_returns(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    world.apply(nights("a")).await;
    let rule = QuietRule::for_cell("orders", "sms").then(InQuietHours::Drop);
    let recipient = RecipientId::new("a");
    world
        .apply(PreferenceChange::QuietRule {
            recipient,
            rule: rule.clone(),
        })
        .await;
    let found = world.load("a").await.user;
    assert_eq!(*found.quiet_hours(), at_night().with_rule(rule));
    let news = found.cell(&CategoryId::new("news"), &ChannelId::EMAIL);
    assert_eq!(news, Setting::No, "what was said before stays");
}

async fn a_replacement_forgets_what_was_said_before(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(consent("a", true)).await;
    world.apply(cell("a", "news", Setting::No)).await;
    let mut settings = Settings::default();
    settings.set("orders", ChannelId::PUSH, Setting::No);
    settings.set_channel(ChannelId::SMS, Setting::Yes);
    settings.set_marketing(Setting::No);
    let recipient = RecipientId::new("a");
    world
        .apply(PreferenceChange::Replace {
            recipient,
            settings: settings.clone(),
        })
        .await;
    let found = world.load("a").await;
    assert_eq!(found.user, settings);
    assert_eq!(found.consents.len(), 1, "consents are no settings");
}

async fn a_consent_is_visible_until_it_is_withdrawn(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    for granted in [true, true, false, false, true] {
        world.apply(consent("a", granted)).await;
        assert_eq!(world.load("a").await.consents.contains("news"), granted);
    }
    assert!(
        world.load("b").await.consents.is_empty(),
        "nobody else agreed"
    );
}

async fn the_tenants_rules_reach_everybody_of_the_tenant(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    let (news, sms) = (CategoryId::new("news"), ChannelId::SMS);
    for setting in [Setting::NotAllowed, Setting::No] {
        world.apply(tenant_rules(setting)).await;
        for id in ["a", "said nothing"] {
            assert_eq!(
                world.load(id).await.tenant.cell(&news, &sms),
                setting,
                "{id}"
            );
        }
    }
    assert_eq!(
        said(&world.load("a").await, "news"),
        Setting::No,
        "their own settings stay"
    );
    let other = load(&*world.store, &sample::other_tenant(), "a").await;
    assert!(
        other.tenant.is_empty(),
        "another tenant has rules of its own"
    );
}

async fn a_change_touches_nobody_else(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("b", "news", Setting::Yes)).await;
    for change in personal("a") {
        world.apply(change).await;
    }
    let found = world.load("b").await;
    let mut settings = Settings::default();
    settings.set("news", ChannelId::EMAIL, Setting::Yes);
    assert_eq!((found.user, found.consents.len()), (settings, 0));
}

async fn tenants_do_not_share_people(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    world.apply(consent("a", true)).await;
    let found = load(&*world.store, &sample::other_tenant(), "a").await;
    assert!(
        found.user.is_empty() && found.consents.is_empty(),
        "someone of another tenant"
    );
}

async fn ids_are_compared_exactly(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let ids = sample::strange_ids();
    for (n, id) in ids.iter().enumerate() {
        world
            .apply(cell(id.as_str(), &format!("category {n}"), Setting::No))
            .await;
    }
    let found = world.store.load(&world.tenant, &ids).await.expect("loads");
    for (n, (id, preferences)) in ids.iter().zip(&found).enumerate() {
        let mut settings = Settings::default();
        settings.set(format!("category {n}"), ChannelId::EMAIL, Setting::No);
        assert_eq!(
            preferences.user, settings,
            "{id:?} is mixed up with another one"
        );
    }
}

async fn changes_at_the_same_time_lose_nothing(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let apply = |n| {
        let (store, tenant) = (Arc::clone(&world.store), world.tenant.clone());
        let change = cell("a", &format!("category {n}"), Setting::No);
        async move { store.apply(&tenant, &change, &Actor::Recipient, NOW).await }
    };
    for applied in at_once(16, apply).await {
        applied.expect("the change is applied");
    }
    let found = world.load("a").await;
    for n in 0..16 {
        let setting = found
            .user
            .cell(&format!("category {n}").into(), &ChannelId::EMAIL);
        assert_eq!(setting, Setting::No, "change {n} was lost");
    }
}

async fn every_answer_has_a_stamp_or_none_has(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    let ids = ["a", "said nothing"].map(RecipientId::from);
    let found = world.store.load(&world.tenant, &ids).await.expect("loads");
    for preferences in &found {
        assert_eq!(preferences.stamp.is_some(), world.has_stamps);
    }
    let stores = found
        .iter()
        .filter_map(|preferences| preferences.stamp)
        .map(|stamp| stamp.store);
    let stores: std::collections::BTreeSet<_> = stores.collect();
    assert!(stores.len() <= 1, "one database has one number");
}

async fn a_stamp_stays_while_nothing_changes(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    assert_eq!(
        world.stamp("a").await,
        world.stamp("a").await,
        "of someone who said nothing"
    );
    world.apply(cell("a", "news", Setting::No)).await;
    assert_eq!(world.stamp("a").await, world.stamp("a").await);
}

async fn every_change_of_a_person_makes_their_stamp_stale(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let mut before = world.stamp("a").await;
    for change in personal("a") {
        world.apply(change.clone()).await;
        let after = world.stamp("a").await;
        assert!(
            before.is_none() || before != after,
            "the stamp survived {change:?}"
        );
        before = after;
    }
}

async fn a_change_of_the_tenants_rules_makes_every_stamp_stale(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    for setting in [Setting::NotAllowed, Setting::No] {
        let before = (world.stamp("a").await, world.stamp("said nothing").await);
        world.apply(tenant_rules(setting)).await;
        let after = (world.stamp("a").await, world.stamp("said nothing").await);
        assert!(
            before.0.is_none() || before.0 != after.0,
            "the stamp of someone with settings"
        );
        assert!(
            before.1.is_none() || before.1 != after.1,
            "the stamp of someone without"
        );
    }
}

async fn a_stamp_never_comes_back(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let mut seen = vec![world.stamp("a").await];
    for n in 0..8 {
        world
            .apply(cell(
                "a",
                "news",
                if n % 2 == 0 {
                    Setting::No
                } else {
                    Setting::Inherit
                },
            ))
            .await;
        if n % 3 == 0 {
            world.apply(tenant_rules(Setting::No)).await;
        }
        let stamp = world.stamp("a").await;
        assert!(
            stamp.is_none() || !seen.contains(&stamp),
            "the settings came back, and the stamp too"
        );
        seen.push(stamp);
    }
}

async fn a_stamp_grows_while_others_change(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let mut last = world.stamp("a").await;
    for n in 0..6 {
        world
            .apply(cell(
                if n % 2 == 0 { "b" } else { "a" },
                &format!("c{n}"),
                Setting::No,
            ))
            .await;
        world
            .apply(if n == 3 {
                tenant_rules(Setting::No)
            } else {
                consent("b", true)
            })
            .await;
        let stamp = world.stamp("a").await;
        if let (Some(last), Some(stamp)) = (last, stamp) {
            assert_eq!(last.store, stamp.store, "one database has one number");
            assert!(last.version <= stamp.version, "the version fell");
            assert!(
                n % 2 == 0 || last.version < stamp.version,
                "the version did not grow"
            );
        }
        last = stamp;
    }
}

/// The newest rows of the log that an operator's change left, if there is a log.
async fn rows_after(
    world: &World,
    change: &PreferenceChange,
    actor: &Actor,
) -> Vec<crate::audit::AuditEntry> {
    let at = NOW + Duration::from_secs(7);
    world
        .store
        .apply(&world.tenant, change, actor, at)
        .await
        .expect("the change is applied");
    let Some(audit) = &world.audit else {
        return Vec::new();
    };
    let other = audit
        .audit_log(&sample::other_tenant(), None, 10)
        .await
        .expect("reads");
    assert!(other.is_empty(), "in the log of another tenant: {other:?}");
    audit
        .audit_log(&world.tenant, None, 10)
        .await
        .expect("reads")
}

async fn a_change_by_an_operator_writes_one_audit_row(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    let change = cell("a", "news", Setting::No);
    let rows = rows_after(&world, &change, &Actor::operator("op-1")).await;
    assert_eq!(said(&world.load("a").await, "news"), Setting::No);
    if world.audit.is_some() {
        assert_eq!(rows.len(), 1, "one row for one change: {rows:?}");
        assert_eq!(
            (rows[0].actor.as_str(), rows[0].action.as_str()),
            ("op-1", "preference.apply")
        );
        assert_eq!(
            (rows[0].subject.as_str(), &rows[0].tenant),
            ("a", &world.tenant)
        );
        assert_eq!(
            rows[0].at,
            NOW + Duration::from_secs(7),
            "the time that the call gave"
        );
    }
}

async fn a_change_of_the_tenants_rules_by_an_operator_writes_one_audit_row(
    harness: &dyn PreferenceHarness,
) {
    let world = World::new(harness).await;
    let rows = rows_after(&world, &tenant_rules(Setting::No), &Actor::operator("op-1")).await;
    if world.audit.is_some() {
        assert_eq!(rows.len(), 1, "one row for one change: {rows:?}");
        assert_eq!(
            (rows[0].actor.as_str(), rows[0].action.as_str()),
            ("op-1", "preference.tenant")
        );
        assert_eq!(rows[0].subject, world.tenant.as_str());
    }
}

async fn a_change_by_others_writes_no_audit_row(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    for actor in [Actor::Application, Actor::Recipient] {
        let mut changes = personal("a");
        changes.push(tenant_rules(Setting::No));
        for change in changes {
            let rows = rows_after(&world, &change, &actor).await;
            assert!(rows.is_empty(), "{actor:?} is not audited: {rows:?}");
        }
    }
}

async fn what_was_applied_outlives_the_process(harness: &dyn PreferenceHarness) {
    let world = World::new(harness).await;
    world.apply(cell("a", "news", Setting::No)).await;
    world.apply(consent("a", true)).await;
    world.apply(tenant_rules(Setting::NotAllowed)).await;
    let before = world.load("a").await;
    if let Some(rooms) = harness.preferences_again().await {
        let after = load(&*rooms.preferences, &world.tenant, "a").await;
        assert_eq!(after, before, "settings, consents, rules and stamp");
    }
}
