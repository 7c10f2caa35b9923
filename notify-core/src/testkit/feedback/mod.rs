//! The contract of [`FeedbackStore`], clause by clause.

mod apply;
mod find;
mod kept;

use std::sync::Arc;

use crate::delivery::{Cause, DeliveryEvent, DeliveryState, EventKind, MessageRef, Report};
use crate::id::{DeliveryId, ProviderName};
use crate::preference::AddressHash;
use crate::provider::{Bounce, Fault, ProviderEvent, ProviderEventKind};
use crate::queue::{
    Applied, Asked, Feedback, FeedbackStore, Found, KeptReport, Lease, Outcome, ReportKey, Settled,
};
use crate::testkit::world::{PROVIDER, World};
use crate::testkit::{StoreHarness, clauses};

clauses! {
    /// Makes a test of each clause of [`FeedbackStore`](crate::queue::FeedbackStore). Takes an expression that makes a
    /// [`StoreHarness`](crate::testkit::StoreHarness), once for each test.
    macro $ feedback_tests for feedback: dyn StoreHarness {
        find {
            a_delivery_is_found_by_its_id_in_any_tenant,
            a_message_is_found_by_its_provider_and_id,
            an_id_that_several_deliveries_share_finds_none,
            an_answer_finds_the_last_message_to_its_address,
            find_answers_each_question_in_order_and_prefers_the_surer_way,
            a_delivery_is_found_with_all_of_its_messages,
            messages_are_forgotten_with_their_delivery,
            an_answer_told_again_finds_its_delivery,
        }
        apply {
            a_report_moves_the_delivery_and_reads_back_from_the_timeline,
            a_report_judged_before_something_happened_is_stale,
            a_report_never_moves_what_is_being_sent,
            a_report_of_what_is_not_there_is_stale,
            a_stale_report_fails_no_neighbour,
            of_two_reports_at_once_each_is_written_once,
            a_report_that_ends_what_waits_takes_its_job,
            a_report_ends_a_dead_letter,
            the_earliest_time_of_being_seen_stays,
            entries_come_in_the_order_of_their_time,
            what_follows_happens_in_the_same_commit,
            what_follows_from_a_stale_report_does_not_happen,
            soft_bounces_in_a_row_suppress_the_address,
            a_report_changes_nothing_of_the_last_call,
            a_settlement_asked_again_after_a_report_changes_nothing,
        }
        kept {
            a_report_is_kept_once,
            look_gives_what_is_due_and_puts_it_off,
            look_forgets_what_was_kept_for_a_day,
            what_was_applied_or_forgotten_is_kept_no_longer,
            what_was_kept_or_written_survives_a_crash,
        }
    }
}

/// Another provider.
static SECONDARY: ProviderName = ProviderName::new("secondary");

const HOME: AddressHash = AddressHash::from_bytes([1; 32]);
const WORK: AddressHash = AddressHash::from_bytes([2; 32]);

fn room(world: &World) -> Arc<dyn FeedbackStore> {
    let room = Arc::clone(&world.store).feedback();
    room.expect("a store with this suite takes reports")
}

fn message(id: &str) -> MessageRef {
    MessageRef::new(PROVIDER.clone(), id, HOME)
}

const fn asked<'a>() -> Asked<'a> {
    Asked {
        provider: &PROVIDER,
        delivery: None,
        message_id: None,
        address: None,
    }
}

fn by_message(id: &str) -> Asked<'_> {
    Asked {
        message_id: Some(id),
        ..asked()
    }
}

async fn find(world: &World, asked: Asked<'_>) -> Option<Found> {
    let mut found = room(world).find(&[asked]).await.expect("find");
    assert_eq!(found.len(), 1, "one answer for each question");
    found.remove(0)
}

async fn finds(world: &World, asked: Asked<'_>) -> Option<DeliveryId> {
    find(world, asked).await.map(|found| found.delivery)
}

/// Settles, after these messages were taken.
async fn taken(world: &World, lease: &Lease, outcome: Outcome, messages: &[MessageRef]) {
    let mut settlement = world.settlement(lease, outcome);
    settlement.messages = messages;
    settlement.message_id = messages.first().map(|message| message.message_id.as_str());
    assert_eq!(world.settle(settlement).await, Settled::Applied);
}

const SENT: Outcome = Outcome::Finished(DeliveryState::Sent);

/// A delivery of which this was taken.
async fn sent(world: &World, messages: &[MessageRef]) -> DeliveryId {
    let (id, lease) = world.sending().await;
    taken(world, &lease, SENT, messages).await;
    id
}

/// An entry that a vendor reported now.
fn entry(world: &World, delivery: DeliveryId, kind: EventKind) -> DeliveryEvent {
    let mut event = DeliveryEvent::new(delivery, world.now(), kind);
    event.provider = Some(PROVIDER.clone());
    event.report = Some(Report::new(world.now()));
    event
}

/// What is to be written, judged by what there is now.
async fn judged<'a>(world: &'a World, event: &'a DeliveryEvent) -> Feedback<'a> {
    Feedback {
        tenant: &world.tenant,
        event,
        entries: world.timeline(event.delivery).await.len(),
        from: &DeliveryState::ALL,
        to: None,
        seen_at: None,
        answer: None,
        effects: &[],
        kept: None,
        now: world.now(),
    }
}

async fn apply(world: &World, item: Feedback<'_>) -> Applied {
    let mut answers = room(world).apply(&[item]).await.expect("apply");
    assert_eq!(answers.len(), 1, "one answer for each item");
    answers.remove(0)
}

/// Moves a delivery by a report, judged now.
async fn moved(world: &World, id: DeliveryId, kind: EventKind, to: DeliveryState) -> Applied {
    let event = entry(world, id, kind);
    let from = to.reached_from(&[Cause::Provider]);
    let item = judged(world, &event).await;
    apply(
        world,
        Feedback {
            from: &from,
            to: Some(to),
            ..item
        },
    )
    .await
}

/// A report of a message that nobody knows, kept from now on.
fn report(world: &World, no: u8) -> KeptReport {
    let kind = ProviderEventKind::bounced(Bounce::Soft);
    let event = ProviderEvent::new(PROVIDER.clone(), kind, world.now())
        .with_event_id(format!("evt-{no}"))
        .with_message_id("m-unknown")
        .with_fault(Fault::provider("4.2.2"));
    KeptReport::new(
        ReportKey::from_bytes([no; 32]),
        event,
        Some(HOME),
        world.now(),
    )
}
