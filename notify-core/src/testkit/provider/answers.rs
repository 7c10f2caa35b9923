//! What the vendor says, and whose fault it is.

use std::time::Duration;

use super::{Answer, ProviderHarness, WAIT, World};
use crate::provider::FaultKind;

const PROVIDER: FaultKind = FaultKind::Provider { retry_after: None };

pub(super) async fn a_good_message_is_taken_once(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let (envelope, _) = world.accepted().await;
    assert_eq!(harness.taken().await, [envelope.address.expose()]);
    assert_eq!(harness.asked().await, 1);
}

pub(super) async fn each_message_has_an_id_of_its_own(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let (first, second) = (world.accepted().await.1, world.accepted().await.1);
    assert!(
        first.message_id.is_none() || first != second,
        "two messages share {first:?}"
    );
    let empty = [first, second]
        .iter()
        .any(|receipt| receipt.message_id.as_deref() == Some(""));
    assert!(!empty, "an empty id finds no event");
}

pub(super) async fn a_dead_address_is_the_recipients_fault(harness: &dyn ProviderHarness) {
    World::new(harness)
        .assert_fault(Answer::RejectRecipient, FaultKind::Recipient)
        .await;
}

pub(super) async fn bad_content_is_the_requests_fault(harness: &dyn ProviderHarness) {
    World::new(harness)
        .assert_fault(Answer::RejectRequest, FaultKind::Request)
        .await;
}

pub(super) async fn a_limit_is_the_providers_fault_and_says_how_long(
    harness: &dyn ProviderHarness,
) {
    let retry_after = harness.says_how_long().then_some(WAIT);
    let kind = FaultKind::Provider { retry_after };
    World::new(harness)
        .assert_fault(Answer::RateLimit(WAIT), kind)
        .await;
}

pub(super) async fn a_limit_is_not_waited_for(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let hour = Duration::from_secs(3_600);
    if let Some((_, fault)) = world.failed(Answer::RateLimit(hour)).await {
        assert!(
            matches!(fault.kind(), FaultKind::Provider { .. }),
            "{fault}"
        );
    }
}

pub(super) async fn an_outage_is_the_providers_fault(harness: &dyn ProviderHarness) {
    World::new(harness)
        .assert_fault(Answer::Outage, PROVIDER)
        .await;
}

pub(super) async fn bad_credentials_are_a_fault_of_configuration(harness: &dyn ProviderHarness) {
    World::new(harness)
        .assert_fault(Answer::BadCredentials, FaultKind::Config)
        .await;
}

pub(super) async fn an_unreachable_vendor_is_the_providers_fault(harness: &dyn ProviderHarness) {
    World::new(harness)
        .assert_fault(Answer::Unreachable, PROVIDER)
        .await;
}

pub(super) async fn an_answer_that_is_none_is_unknown(harness: &dyn ProviderHarness) {
    World::new(harness)
        .assert_fault(Answer::Nonsense, FaultKind::Unknown)
        .await;
}

/// The vendor would take a second attempt: the call would succeed, or the message would be taken.
pub(super) async fn a_failure_is_answered_after_one_attempt(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    for answer in Answer::FAILURES {
        let before = harness.asked().await;
        let Some((envelope, _)) = world.failed(answer).await else {
            continue;
        };
        let asked = harness.asked().await - before;
        assert!(asked <= 1, "{answer:?}: the vendor was asked {asked} times");
        let may_have_it = matches!(answer, Answer::CutAfterWrite | Answer::Nonsense);
        let taken = world.times_taken(&envelope).await;
        assert!(
            taken <= usize::from(may_have_it),
            "{answer:?}: it was taken {taken} times"
        );
    }
}

pub(super) async fn after_a_failure_the_next_message_goes(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    for answer in Answer::FAILURES {
        world.failed(answer).await;
        let (envelope, _) = world.accepted().await;
        assert_eq!(world.times_taken(&envelope).await, 1, "after {answer:?}");
    }
}
