//! Clauses: what must still be true at the commit.

use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::audit::Actor;
use crate::channel::InAppMessage;
use crate::delivery::{DeliveryState, EventKind};
use crate::id::{CategoryId, ChannelId, DeliveryId, TenantId};
use crate::inbox::{InboxLimits, Mark, NewInboxItem};
use crate::preference::{
    PreferenceChange, PreferenceStore, Setting, Settings, Stamp, Suppression, SuppressionScope,
    SuppressionSource,
};
use crate::queue::{Accepted, Begun, Premise};
use crate::testkit::StoreHarness;
use crate::testkit::world::{ADA, HOUR, MINUTE, SECOND, World};

const SHORT: Duration = Duration::from_micros(1);

/// Whether a premise holds at `accept` and at `begin`, which must agree.
async fn holds(world: &World, premise: &Premise) -> bool {
    let (item, accepted) = world.provided(vec![premise.clone()]);
    let answer = world.accept(item).await;
    let at_accept = answer == Accepted::New;
    if at_accept {
        let lease = world.lease(accepted).await;
        world.finish(&lease, DeliveryState::Cancelled).await;
    } else {
        assert_eq!(answer, Accepted::Stale(premise.clone()));
    }
    let (id, lease) = world.lent().await;
    let begun = world.begin_if(&lease, std::slice::from_ref(premise)).await;
    let at_begin = begun == Begun::Go;
    if !at_begin {
        assert_refused(&begun, premise);
    }
    world.finish(&lease, DeliveryState::Cancelled).await;
    assert_eq!(
        at_accept, at_begin,
        "{premise:?} at accept and at begin of {id}"
    );
    at_begin
}

fn assert_refused(begun: &Begun, expected: &Premise) {
    match begun {
        Begun::Refused { premise, .. } => assert_eq!(premise, expected),
        other => panic!("refused for {expected:?}, not {other:?}"),
    }
}

/// The version of Ada's preferences.
async fn stamp(world: &World) -> Stamp {
    let found = PreferenceStore::load(&*world.store, &world.tenant, &[ADA])
        .await
        .expect("load");
    found[0]
        .stamp
        .expect("a store that is one database gives stamps")
}

async fn preferences(world: &World) -> Premise {
    Premise::Preferences {
        recipient: ADA,
        stamp: stamp(world).await,
    }
}

async fn apply(world: &World, change: PreferenceChange) {
    let now = world.now();
    world
        .store
        .apply(&world.tenant, &change, &Actor::Recipient, now)
        .await
        .expect("apply");
}

fn opt_out() -> PreferenceChange {
    let (category, channel) = (CategoryId::new("orders"), ChannelId::EMAIL);
    PreferenceChange::Cell {
        recipient: ADA,
        category,
        channel,
        setting: Setting::No,
    }
}

pub(super) async fn a_stale_item_names_the_premise_and_stores_nothing(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let over = Premise::NotExpired { at: world.now() };
    let (item, id) = world.provided(vec![over.clone()]);
    let notification = item.id;
    assert_eq!(world.accept(item).await, Accepted::Stale(over));
    assert!(world.find(id).await.is_none());
    let siblings = world
        .store
        .of_notification(&world.tenant, notification)
        .await
        .expect("read");
    assert!(siblings.is_empty());
    assert_eq!(
        world
            .store
            .history_count(&world.tenant, &ADA)
            .await
            .expect("count"),
        0
    );
    assert!(world.timeline(id).await.is_empty());
    assert!(world.claimed().await.is_empty());
}

pub(super) async fn a_refused_begin_changes_nothing_and_the_lease_still_holds(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (id, lease) = world.lent().await;
    let before = world.picture(id).await;
    let over = Premise::NotExpired { at: world.now() };
    assert_refused(
        &world.begin_if(&lease, std::slice::from_ref(&over)).await,
        &over,
    );
    assert_eq!(world.picture(id).await, before);
    assert_eq!(world.begin(&lease).await, Begun::Go);
    world.retry(&lease).await;
    assert_eq!(
        world.lease(id).await.sends,
        1,
        "the refused begin counted no call"
    );
}

pub(super) async fn one_failed_premise_is_enough_and_the_others_count_nothing(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let cap = |counted_as| Premise::Cap {
        key: [1; 32],
        max: 1,
        window: HOUR,
        counted_as,
    };
    let content = Premise::Unseen {
        content: [1; 32],
        window: HOUR,
    };
    let (mut stale, stale_id) = world.one();
    let over = Premise::NotExpired { at: world.now() };
    stale.premises = vec![cap(stale_id), content.clone(), over.clone()];
    assert_eq!(world.accept(stale).await, Accepted::Stale(over.clone()));
    let (id, lease) = world.lent().await;
    let premises = [cap(id), content.clone(), over.clone()];
    assert_refused(&world.begin_if(&lease, &premises).await, &over);
    world.finish(&lease, DeliveryState::Cancelled).await;

    let (id, lease) = world.lent().await;
    assert_eq!(world.begin_if(&lease, &[cap(id), content]).await, Begun::Go);
}

pub(super) async fn not_expired_holds_before_the_instant_only(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let at = world.now() + MINUTE;
    let premise = Premise::NotExpired { at };
    assert!(holds(&world, &premise).await);
    world.pass(MINUTE - SHORT);
    assert!(holds(&world, &premise).await);
    world.pass(SHORT);
    assert!(
        !holds(&world, &premise).await,
        "the instant itself is too late"
    );
    world.pass(SECOND);
    assert!(!holds(&world, &premise).await);
}

pub(super) async fn preferences_hold_until_the_person_changes_them(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let unset = preferences(&world).await;
    assert!(
        holds(&world, &unset).await,
        "someone who said nothing has a version too"
    );
    apply(&world, opt_out()).await;
    assert!(!holds(&world, &unset).await);
    let set = preferences(&world).await;
    assert!(holds(&world, &set).await);
    for recipient in ["bob", "Ada"] {
        let change = PreferenceChange::Marketing {
            recipient: recipient.into(),
            setting: Setting::No,
        };
        apply(&world, change).await;
    }
    assert!(
        holds(&world, &set).await,
        "what others want does not matter"
    );
    let consent = PreferenceChange::Consent {
        recipient: ADA,
        category: CategoryId::new("news"),
        granted: true,
        source: "signup form".to_owned(),
        wording: String::new(),
    };
    apply(&world, consent).await;
    assert!(!holds(&world, &set).await);
}

pub(super) async fn preferences_hold_until_the_tenant_changes_its_rules(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    apply(&world, opt_out()).await;
    let before = preferences(&world).await;
    let now = world.now();
    let rules = |setting| {
        let mut settings = Settings::default();
        settings.set_channel(ChannelId::EMAIL, setting);
        PreferenceChange::Tenant { settings }
    };
    let (theirs, change) = (TenantId::new("umbrella"), rules(Setting::No));
    world
        .store
        .apply(&theirs, &change, &Actor::Application, now)
        .await
        .expect("apply");
    assert!(
        holds(&world, &before).await,
        "another tenant's rules do not matter"
    );
    apply(&world, rules(Setting::NotAllowed)).await;
    assert!(!holds(&world, &before).await);
    let after = preferences(&world).await;
    assert!(holds(&world, &after).await);
}

pub(super) async fn an_opt_out_between_claim_and_begin_refuses(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let premise = preferences(&world).await;
    let (item, id) = world.provided(vec![premise.clone()]);
    world.stored(item).await;
    let lease = world.lease(id).await;
    apply(&world, opt_out()).await;
    // A store may answer with the premise, or take the lease away together with the opt-out.
    match world.begin_if(&lease, std::slice::from_ref(&premise)).await {
        Begun::Fenced => {}
        refused => assert_refused(&refused, &premise),
    }
    assert_ne!(world.state(id).await.0, DeliveryState::Sending);
    assert!(!world.kinds(id).await.contains(&EventKind::Sending));
}

pub(super) async fn a_stamp_of_another_database_does_not_hold(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let own = stamp(&world).await;
    let stamp = Stamp::new(own.store ^ 1, own.version);
    assert!(
        !holds(
            &world,
            &Premise::Preferences {
                recipient: ADA,
                stamp
            }
        )
        .await
    );
    let stamp = Stamp::new(own.store, own.version + 1);
    assert!(
        !holds(
            &world,
            &Premise::Preferences {
                recipient: ADA,
                stamp
            }
        )
        .await
    );
    assert!(
        holds(
            &world,
            &Premise::Preferences {
                recipient: ADA,
                stamp: own
            }
        )
        .await
    );
}

pub(super) async fn a_fresh_read_holds_no_longer_than_its_age(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let premise = Premise::FreshRead {
        read_at: world.now(),
        max_age: SECOND,
    };
    assert!(holds(&world, &premise).await);
    world.pass(SECOND);
    assert!(holds(&world, &premise).await, "just old enough");
    world.pass(SHORT);
    assert!(!holds(&world, &premise).await);
}

pub(super) async fn a_suppressed_address_fails_for_its_scope_channel_and_tenant_only(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let hash = |address: &str| world.store.pepper().address(&Address::email(address));
    let (dead, tired) = (hash("dead@example.com"), hash("tired@example.com"));
    let entry = |address, scope| {
        let source = SuppressionSource::Complaint;
        Suppression::new(ChannelId::EMAIL, address, scope, source, world.now())
    };
    let entries = [
        entry(dead, SuppressionScope::All),
        entry(tired, SuppressionScope::Marketing),
    ];
    let theirs = [entry(hash("ada@example.com"), SuppressionScope::All)];
    let other = TenantId::new("umbrella");
    for (tenant, entries) in [(&world.tenant, &entries[..]), (&other, &theirs[..])] {
        let added = world
            .store
            .suppress(tenant, entries, &Actor::Application)
            .await;
        added.expect("suppress");
    }
    let premise = |address: &str, channel, marketing| Premise::NotSuppressed {
        channel,
        address: *hash(address).as_bytes(),
        marketing,
    };
    for (address, channel, marketing, expected) in [
        ("dead@example.com", ChannelId::EMAIL, false, false),
        ("dead@example.com", ChannelId::EMAIL, true, false),
        ("dead@example.com", ChannelId::SMS, false, true),
        ("tired@example.com", ChannelId::EMAIL, true, false),
        ("tired@example.com", ChannelId::EMAIL, false, true),
        ("ada@example.com", ChannelId::EMAIL, true, true),
    ] {
        let premise = premise(address, channel, marketing);
        assert_eq!(
            holds(&world, &premise).await,
            expected,
            "{address} {premise:?}"
        );
    }
}

pub(super) async fn content_is_not_said_again_within_its_window(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let said = |content| Premise::Unseen {
        content,
        window: MINUTE,
    };
    let (first, _) = world.provided(vec![said([1; 32])]);
    world.stored(first).await;
    world.claimed().await;
    let (again, _) = world.provided(vec![said([1; 32])]);
    assert_eq!(world.accept(again).await, Accepted::Stale(said([1; 32])));
    let (_, lease) = world.lent().await;
    assert_refused(
        &world.begin_if(&lease, &[said([1; 32])]).await,
        &said([1; 32]),
    );
    let (other, _) = world.provided(vec![said([2; 32])]);
    world.stored(other).await;
    let (mut theirs, _) = world.provided(vec![said([1; 32])]);
    theirs.tenant = TenantId::new("umbrella");
    world.stored(theirs).await;
    world.pass(MINUTE - SHORT);
    let (again, _) = world.provided(vec![said([1; 32])]);
    assert_eq!(world.accept(again).await, Accepted::Stale(said([1; 32])));
    world.pass(SHORT);
    let (again, _) = world.provided(vec![said([1; 32])]);
    world.stored(again).await;
    let ((one, _), (two, _)) = (
        world.provided(vec![said([3; 32])]),
        world.provided(vec![said([3; 32])]),
    );
    let answers = world.accept_all(vec![one, two]).await;
    assert_eq!(
        answers,
        [Accepted::New, Accepted::Stale(said([3; 32]))],
        "within one batch too"
    );
}

pub(super) async fn content_does_not_stand_in_its_own_way(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let premise = Premise::Unseen {
        content: [1; 32],
        window: HOUR,
    };
    let (item, id) = world.provided(vec![premise.clone()]);
    world.stored(item).await;
    for _ in 0..2 {
        let lease = world.lease(id).await;
        assert_eq!(
            world.begin_if(&lease, std::slice::from_ref(&premise)).await,
            Begun::Go
        );
        world.retry(&lease).await;
    }
}

fn after(delivery: DeliveryId, states: &[DeliveryState]) -> Premise {
    Premise::Predecessor {
        delivery,
        state_in: states.to_vec(),
    }
}

pub(super) async fn a_step_depends_on_the_state_of_the_step_before(harness: &dyn StoreHarness) {
    use DeliveryState::{Failed, Queued, Sending, Sent};
    let world = World::open(harness).await;
    let before = world.queued().await;
    let lease = world.lease(before).await;
    assert!(holds(&world, &after(before, &[Failed, Queued])).await);
    assert!(!holds(&world, &after(before, &[Failed])).await);
    assert!(!holds(&world, &after(before, &[])).await);
    world.begin(&lease).await;
    assert!(holds(&world, &after(before, &[Sending])).await);
    assert!(!holds(&world, &after(before, &[Queued])).await);
    world.finish(&lease, Sent).await;
    assert!(holds(&world, &after(before, &[Sent])).await);
    assert!(!holds(&world, &after(before, &[Sending, Queued])).await);
    let unknown = world.ids.delivery(world.now());
    assert!(!holds(&world, &after(unknown, &DeliveryState::ALL)).await);
    let (mut theirs, their_id) = world.one();
    theirs.tenant = TenantId::new("umbrella");
    world.stored(theirs).await;
    world.claimed().await;
    assert!(
        !holds(&world, &after(their_id, &DeliveryState::ALL)).await,
        "another tenant's"
    );
}

pub(super) async fn a_step_is_not_begun_once_the_step_before_was_seen(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let before = world.ended(DeliveryState::Sent).await;
    let premise = after(before, &[DeliveryState::Sent]);
    let Some(inbox) = Arc::clone(&world.store).inbox() else {
        assert!(
            holds(&world, &premise).await,
            "a store without inboxes sees nothing"
        );
        return;
    };
    let item = NewInboxItem::new(
        ADA,
        before,
        world.read(before).await.notification,
        CategoryId::new("orders"),
        InAppMessage::new("Shipped", "It is on its way"),
        world.now(),
    );
    let places = inbox
        .push(&world.tenant, &[item], &InboxLimits::default())
        .await
        .expect("push");
    assert!(holds(&world, &premise).await);
    inbox
        .mark(&world.tenant, &ADA, &places, Mark::Seen, world.now())
        .await
        .expect("mark");
    assert!(!holds(&world, &premise).await);
}
