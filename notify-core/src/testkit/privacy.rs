//! The contract of [`PrivacyStore`], clause by clause.

mod erase;
mod read;
mod records;

use std::sync::Arc;

use crate::address::Address;
use crate::audit::Actor;
use crate::id::{ChannelId, DeliveryId, RecipientId};
use crate::preference::{PreferenceChange, Suppression, SuppressionScope, SuppressionSource};
use crate::privacy::{Erased, Erasure, PrivacyStore};
use crate::recipient::{RecipientResolver, RecipientStore};
use crate::testkit::world::{ADA, World};
use crate::testkit::{StoreHarness, clauses, sample};

clauses! {
    /// Makes a test of each clause of [`PrivacyStore`](crate::privacy::PrivacyStore). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness), once for each test.
    macro $ privacy_tests for privacy: dyn StoreHarness {
        read {
            the_consent_log_reads_back_oldest_first,
            the_consent_log_shows_nobody_elses,
            suppressions_come_in_pages_without_gap_or_repetition,
            suppressions_of_another_tenant_are_not_shown,
        }
        erase {
            recipient_preferences_and_inbox_are_gone,
            what_waits_is_cancelled_and_whoever_has_it_is_fenced,
            a_dead_letter_is_not_to_be_requeued,
            deliveries_stay_under_the_pseudonym_without_what_was_personal,
            reports_find_nothing_of_an_erased_delivery,
            a_notification_to_them_alone_loses_what_was_said,
            a_notification_to_others_too_keeps_it_until_the_last_is_erased,
            a_key_of_an_erased_notification_is_free_again,
            consents_stay_under_the_pseudonym_without_words,
            the_audit_log_names_the_pseudonym,
            an_erasure_by_an_operator_writes_one_row,
            nobody_elses_data_changes,
            suppressed_addresses_stay_suppressed,
            a_stamp_from_before_does_not_hold,
            what_is_being_sent_is_erased_when_it_is_over,
            many_deliveries_are_erased_in_pieces,
            asking_again_is_harmless,
            an_erased_person_can_come_back,
            what_was_erased_stays_so_after_a_crash,
        }
        records {
            a_consent_that_stands_is_kept,
            old_audit_rows_and_suppressions_are_forgotten,
        }
    }
}

fn room(world: &World) -> Arc<dyn PrivacyStore> {
    let room = Arc::clone(&world.store).privacy();
    room.expect("a store with this suite erases people")
}

fn pseudonym(no: u128) -> RecipientId {
    Erasure::pseudonym(no)
}

fn erasure(world: &World, no: u128) -> Erasure {
    Erasure {
        tenant: world.tenant.clone(),
        recipient: ADA,
        pseudonym: pseudonym(no),
        actor: Actor::Application,
        now: world.now(),
    }
}

/// Erases Ada, all of her, under the first pseudonym.
async fn erase(world: &World) -> Erased {
    let mut all = 0;
    loop {
        let erased = room(world).erase(&erasure(world, 1)).await.expect("erases");
        all += erased.deliveries;
        if !erased.more {
            return Erased::new(all, erased.sending, false);
        }
    }
}

/// Changes what somebody wants.
async fn want(world: &World, change: &PreferenceChange) {
    let (tenant, now) = (&world.tenant, world.now());
    let applied = world.store.apply(tenant, change, &Actor::Recipient, now);
    applied.await.expect("is applied");
}

async fn put(world: &World, id: &str) {
    let recipients = Arc::clone(&world.store).recipients();
    let recipients = recipients.expect("keeps recipients");
    let (people, by) = ([sample::recipient(id)], Actor::Application);
    let stored = RecipientStore::put(&*recipients, &world.tenant, &people, &by);
    stored.await.expect("is stored");
}

async fn is_known(world: &World, id: RecipientId) -> bool {
    let found = RecipientResolver::resolve(&*world.store, &world.tenant, &[id]).await;
    found.expect("resolves").remove(0).is_some()
}

async fn inbox_of(world: &World, id: &RecipientId) -> usize {
    let inbox = Arc::clone(&world.store).inbox().expect("keeps inboxes");
    let page = inbox.page(&world.tenant, id, None, 100, true).await;
    page.expect("a page").len()
}

async fn push(world: &World, id: &str, delivery: DeliveryId) {
    let inbox = Arc::clone(&world.store).inbox().expect("keeps inboxes");
    let item = sample::inbox_item(&world.ids, id, delivery, world.now());
    let limits = crate::inbox::InboxLimits::default();
    let pushed = inbox.push(&world.tenant, &[item], &limits).await;
    pushed.expect("is pushed");
}

fn suppression(world: &World, address: &str) -> Suppression {
    let hash = world.store.pepper().address(&Address::email(address));
    let (scope, source) = (SuppressionScope::All, SuppressionSource::Bounce);
    Suppression::new(ChannelId::EMAIL, hash, scope, source, world.now())
}
