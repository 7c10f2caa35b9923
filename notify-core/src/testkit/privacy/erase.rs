//! One person is erased: what is gone, what stays, and whom it does not touch.

use std::sync::Arc;

use super::{erase, erasure, inbox_of, is_known, pseudonym, push, put, room, suppression, want};
use crate::audit::Actor;
use crate::delivery::{DeliveryState, EventKind, MessageRef, Reason};
use crate::id::{DeliveryId, RecipientId};
use crate::notification::{Content, NotificationRequest};
use crate::preference::{AddressHash, PreferenceChange, PreferenceStore};
use crate::queue::{Accepted, Asked, Begun, Job, Outcome, Premise, Settled};
use crate::testkit::StoreHarness;
use crate::testkit::sample;
use crate::testkit::world::{ADA, PROVIDER, World, key, request_hash};

const BOB: RecipientId = RecipientId::new("bob");

/// A request that says something about somebody.
fn told(world: &World, to: &[RecipientId]) -> (crate::queue::Acceptance, Vec<DeliveryId>) {
    let deliveries: Vec<_> = to.iter().map(|id| world.delivery_to(id.clone())).collect();
    let ids = deliveries.iter().map(|delivery| delivery.id).collect();
    let mut item = world.item(deliveries);
    let request = NotificationRequest::new("order_shipped", "orders")
        .with_content(Content::new("Hi Ada", "your order"))
        .with_source("shop");
    item.body = serde_json::to_string(&request).expect("JSON").into();
    item.request = Arc::new(request);
    (item, ids)
}

async fn of(world: &World, id: &RecipientId) -> Vec<DeliveryId> {
    let page = world.store.history(&world.tenant, id, None, 10_000).await;
    page.expect("history").iter().map(|one| one.id).collect()
}

pub(super) async fn recipient_preferences_and_inbox_are_gone(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    put(&world, "ada").await;
    want(&world, &PreferenceChange::agree("ada", "news", "form", "")).await;
    let id = world.ended(DeliveryState::Sent).await;
    push(&world, "ada", id).await;
    assert!(is_known(&world, ADA).await && inbox_of(&world, &ADA).await == 1);
    assert!(erase(&world).await.is_complete());
    assert!(!is_known(&world, ADA).await);
    assert_eq!(inbox_of(&world, &ADA).await, 0);
    let wishes = PreferenceStore::load(&*world.store, &world.tenant, &[ADA]).await;
    let wishes = wishes.expect("loads").remove(0);
    assert!(wishes.user.is_empty() && wishes.consents.is_empty());
}

pub(super) async fn what_waits_is_cancelled_and_whoever_has_it_is_fenced(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (lent, lease) = world.lent().await;
    let waits = world.queued().await;
    assert_eq!(erase(&world).await.deliveries, 2);
    for id in [lent, waits] {
        let end = (DeliveryState::Cancelled, Some(Reason::Erased));
        assert_eq!(world.state(id).await, end);
        assert_eq!(world.kinds(id).await.last(), Some(&EventKind::Cancelled));
    }
    assert_eq!(world.begin(&lease).await, Begun::Fenced);
    assert_eq!(world.claimed().await, []);
}

pub(super) async fn a_dead_letter_is_not_to_be_requeued(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.ended(DeliveryState::Dead).await;
    erase(&world).await;
    let end = (DeliveryState::Cancelled, Some(Reason::Erased));
    assert_eq!(world.state(id).await, end);
    let (ids, actor) = ([id], Actor::operator("eve"));
    let requeued = world
        .store
        .requeue(&world.tenant, &ids, &actor, world.now());
    assert_eq!(requeued.await.expect("requeues"), [false]);
}

pub(super) async fn deliveries_stay_under_the_pseudonym_without_what_was_personal(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let mut delivery = world.delivery();
    delivery.pinned = Some(Arc::new(sample::recipient("ada")));
    let id = delivery.id;
    world.stored(world.item(vec![delivery])).await;
    let lease = world.lease(id).await;
    assert_eq!(world.begin(&lease).await, Begun::Go);
    let mut settlement = world.settlement(&lease, Outcome::Finished(DeliveryState::Sent));
    settlement.message_id = Some("vendor-1");
    assert_eq!(world.settle(settlement).await, Settled::Applied);
    let before = world.read(id).await;
    erase(&world).await;
    let after = world.read(id).await;
    assert_eq!(after.recipient, pseudonym(1));
    assert_eq!((after.pinned, after.message_id), (None, None));
    assert_eq!(
        (
            after.state,
            after.channel,
            after.attempts,
            after.accepted_at
        ),
        (
            before.state,
            before.channel,
            before.attempts,
            before.accepted_at
        )
    );
    assert!(
        world
            .timeline(id)
            .await
            .iter()
            .all(|event| event.message_id.is_none())
    );
    assert_eq!(world.kinds(id).await.last(), Some(&EventKind::Sent));
    assert_eq!(of(&world, &ADA).await, []);
    assert_eq!(of(&world, &pseudonym(1)).await, [id]);
    let count = world
        .store
        .history_count(&world.tenant, &pseudonym(1))
        .await;
    assert_eq!(count.expect("counts"), 1);
}

pub(super) async fn reports_find_nothing_of_an_erased_delivery(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (_, lease) = world.sending().await;
    let hash = AddressHash::from_bytes([3; 32]);
    let taken = [MessageRef::new(PROVIDER.clone(), "vendor-1", hash).with_answers(true)];
    let mut settlement = world.settlement(&lease, Outcome::Finished(DeliveryState::Sent));
    settlement.messages = &taken;
    assert_eq!(world.settle(settlement).await, Settled::Applied);
    let Some(feedback) = Arc::clone(&world.store).feedback() else {
        return;
    };
    let asked = Asked {
        provider: &PROVIDER,
        delivery: None,
        message_id: Some("vendor-1"),
        address: Some(&hash),
    };
    assert!(feedback.find(&[asked]).await.expect("finds")[0].is_some());
    erase(&world).await;
    assert_eq!(feedback.find(&[asked]).await.expect("finds"), [None]);
}

pub(super) async fn a_notification_to_them_alone_loses_what_was_said(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (item, ids) = told(&world, &[ADA]);
    world.stored(item).await;
    erase(&world).await;
    let request = world.read(ids[0]).await.request;
    assert_eq!(request.content(), None);
    assert_eq!((request.source(), request.kind()), (None, "order_shipped"));
    assert_eq!(request.category().as_str(), "orders");
}

pub(super) async fn a_notification_to_others_too_keeps_it_until_the_last_is_erased(
    harness: &dyn StoreHarness,
) {
    let world = World::open(harness).await;
    let (item, ids) = told(&world, &[ADA, BOB]);
    world.stored(item).await;
    erase(&world).await;
    assert!(world.read(ids[0]).await.request.content().is_some());
    let mut last = erasure(&world, 2);
    last.recipient = BOB;
    let erased = room(&world).erase(&last).await.expect("erases");
    assert_eq!(erased.deliveries, 1);
    for id in ids {
        assert_eq!(world.read(id).await.request.content(), None);
    }
}

pub(super) async fn a_key_of_an_erased_notification_is_free_again(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (item, _) = world.keyed(key(1), request_hash(1));
    world.stored(item).await;
    erase(&world).await;
    let found = world.store.find_key(&world.tenant, &key(1)).await;
    assert_eq!(found.expect("finds"), None);
    let (again, _) = world.keyed(key(1), request_hash(2));
    assert_eq!(world.accept(again).await, Accepted::New);
}

pub(super) async fn consents_stay_under_the_pseudonym_without_words(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let said = PreferenceChange::agree("ada", "news", "form of Ada", "Ada wants news");
    want(&world, &said).await;
    erase(&world).await;
    let of_ada = room(&world).consents(&world.tenant, &ADA).await;
    assert_eq!(of_ada.expect("reads"), []);
    let left = room(&world).consents(&world.tenant, &pseudonym(1)).await;
    let left = left.expect("reads");
    assert_eq!(left.len(), 1);
    assert!(left[0].granted && left[0].source.is_empty() && left[0].wording.is_empty());
}

pub(super) async fn the_audit_log_names_the_pseudonym(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let change = PreferenceChange::agree("ada", "news", "form", "");
    let eve = Actor::operator("eve");
    let applied = world.store.apply(&world.tenant, &change, &eve, world.now());
    applied.await.expect("is applied");
    assert_eq!(world.audited().await[0].1, "ada");
    erase(&world).await;
    assert_eq!(world.audited().await[0].1, pseudonym(1).as_str());
}

pub(super) async fn an_erasure_by_an_operator_writes_one_row(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    world.ended(DeliveryState::Sent).await;
    let mut by_eve = erasure(&world, 1);
    by_eve.actor = Actor::operator("eve");
    let erased = room(&world).erase(&by_eve).await.expect("erases");
    assert!(erased.is_complete());
    let row = ("person.erase".to_owned(), pseudonym(1).as_str().to_owned());
    assert_eq!(world.audited().await, [row]);
}

pub(super) async fn nobody_elses_data_changes(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    put(&world, "bob").await;
    want(
        &world,
        &PreferenceChange::agree("bob", "news", "form", "words"),
    )
    .await;
    let (item, ids) = told(&world, &[BOB]);
    world.stored(item).await;
    push(&world, "bob", ids[0]).await;
    let mut elsewhere = world.item(vec![world.delivery()]);
    elsewhere.tenant = sample::other_tenant();
    let theirs = elsewhere.deliveries[0].id;
    world.stored(elsewhere).await;
    let before = world.picture(ids[0]).await;
    assert_eq!(erase(&world).await.deliveries, 0);
    assert_eq!(world.picture(ids[0]).await, before);
    assert!(is_known(&world, BOB).await && inbox_of(&world, &BOB).await == 1);
    let log = room(&world).consents(&world.tenant, &BOB).await;
    assert_eq!(log.expect("reads")[0].wording, "words");
    assert_eq!(world.read(theirs).await.recipient, ADA, "of another tenant");
    assert_eq!(world.state(theirs).await.0, DeliveryState::Queued);
}

pub(super) async fn suppressed_addresses_stay_suppressed(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    put(&world, "ada").await;
    let entry = suppression(&world, "ada@example.com");
    let (tenant, actor) = (&world.tenant, Actor::Application);
    let added = world
        .store
        .suppress(tenant, std::slice::from_ref(&entry), &actor);
    added.await.expect("is added");
    erase(&world).await;
    let asked = [(entry.channel, entry.address)];
    let scopes = world.store.suppressed(tenant, &asked).await;
    assert_eq!(scopes.expect("reads"), [Some(entry.scope)]);
}

pub(super) async fn a_stamp_from_before_does_not_hold(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let agree = PreferenceChange::agree("ada", "news", "form", "");
    want(&world, &agree).await;
    let loaded = PreferenceStore::load(&*world.store, &world.tenant, &[ADA]).await;
    let Some(stamp) = loaded.expect("loads").remove(0).stamp else {
        return;
    };
    erase(&world).await;
    let premise = Premise::Preferences {
        recipient: ADA,
        stamp,
    };
    for _ in 0..3 {
        let (item, _) = world.provided(vec![premise.clone()]);
        assert_eq!(world.accept(item).await, Accepted::Stale(premise.clone()));
        want(&world, &agree).await;
    }
}

pub(super) async fn what_is_being_sent_is_erased_when_it_is_over(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let (id, lease) = world.sending().await;
    let first = erase(&world).await;
    assert_eq!((first.deliveries, first.sending), (0, 1));
    assert!(!first.is_complete());
    assert_eq!(world.read(id).await.recipient, ADA);
    let settled = world.finish(&lease, DeliveryState::Sent).await;
    assert_eq!(settled, Settled::Applied, "what went out is recorded");
    let second = erase(&world).await;
    assert!(second.is_complete() && second.deliveries == 1);
    assert_eq!(world.read(id).await.recipient, pseudonym(1));
}

pub(super) async fn many_deliveries_are_erased_in_pieces(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let mut batch = Vec::new();
    for _ in 0..1_200 {
        batch.push(world.one().0);
    }
    let stored = world.accept_all(batch).await;
    assert!(stored.iter().all(|one| *one == Accepted::New));
    assert_eq!(erase(&world).await.deliveries, 1_200);
    assert_eq!(of(&world, &ADA).await, []);
    assert_eq!(of(&world, &pseudonym(1)).await.len(), 1_200);
    assert_eq!(world.claimed().await, []);
}

pub(super) async fn asking_again_is_harmless(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    let id = world.ended(DeliveryState::Sent).await;
    erase(&world).await;
    let before = world.picture(id).await;
    let again = room(&world).erase(&erasure(&world, 2)).await;
    assert_eq!(again.expect("erases").deliveries, 0);
    assert_eq!(world.picture(id).await, before);
}

pub(super) async fn an_erased_person_can_come_back(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    put(&world, "ada").await;
    world.ended(DeliveryState::Sent).await;
    erase(&world).await;
    put(&world, "ada").await;
    let id = world.queued().await;
    assert!(is_known(&world, ADA).await);
    assert_eq!(of(&world, &ADA).await, [id], "nothing of before");
    assert_eq!(world.lease(id).await.job, Job::deliver(id));
}

pub(super) async fn what_was_erased_stays_so_after_a_crash(harness: &dyn StoreHarness) {
    let world = World::open(harness).await;
    if !harness.durable() {
        return;
    }
    put(&world, "ada").await;
    let id = world.ended(DeliveryState::Sent).await;
    erase(&world).await;
    room(&world).scrub().await.expect("scrubs");
    let world = world.reopen(harness).await;
    assert!(!is_known(&world, ADA).await);
    assert_eq!(world.read(id).await.recipient, pseudonym(1));
}
