//! Several messages in one call.

use super::channel::Alien;
use super::{Answer, ProviderHarness, World, addresses, in_time};
use crate::message::Message;
use crate::provider::{Envelope, FaultKind};

/// The most messages that are put into one batch here.
const MANY: usize = 100;

pub(super) async fn a_batch_is_answered_one_by_one_in_order(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let max = world.provider.capabilities().batch_max();
    // One by one is how a provider sends that has no batches.
    let most = if max == 1 { 4 } else { max.min(4) };
    let script = [
        Answer::RejectRecipient,
        Answer::Accept,
        Answer::RejectRequest,
        Answer::Accept,
    ];
    let script = script.map(|answer| {
        if harness.can_answer(answer) {
            answer
        } else {
            Answer::Accept
        }
    });
    let batch: Vec<Envelope> = script[..most].iter().map(|_| world.envelope()).collect();
    for answer in &script[..most] {
        harness.script(*answer).await;
    }
    let results = in_time(world.provider.send_batch(&batch)).await;
    assert_eq!(results.len(), most, "one result for each envelope");
    if max > 1 && harness.takes_batches_whole() {
        assert!(
            results
                .windows(2)
                .all(|two| two[0].is_ok() == two[1].is_ok()),
            "{results:?}"
        );
        return;
    }
    for (no, (result, answer)) in results.iter().zip(script).enumerate() {
        let kind = result.as_ref().map_err(|fault| fault.kind()).map(|_| ());
        let expected = match answer {
            Answer::RejectRecipient => Err(FaultKind::Recipient),
            Answer::RejectRequest => Err(FaultKind::Request),
            _ => Ok(()),
        };
        assert_eq!(kind, expected, "result {no} of {results:?}");
    }
    let good = batch
        .iter()
        .zip(&results)
        .filter(|(_, result)| result.is_ok());
    let taken = harness.taken().await;
    assert_eq!(
        taken
            .iter()
            .cloned()
            .collect::<std::collections::BTreeSet<_>>(),
        addresses(good.map(|(one, _)| one))
    );
}

pub(super) async fn an_empty_batch_asks_nothing(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    assert!(in_time(world.provider.send_batch(&[])).await.is_empty());
    assert_eq!(harness.asked().await, 0);
}

pub(super) async fn the_largest_batch_is_answered_whole(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let size = world.provider.capabilities().batch_max().min(MANY);
    let batch: Vec<Envelope> = (0..size).map(|_| world.envelope()).collect();
    let results = in_time(world.provider.send_batch(&batch)).await;
    assert_eq!(results.len(), size, "one result for each envelope");
    let mut ids: Vec<_> = results
        .into_iter()
        .map(|result| result.expect("is taken").message_id)
        .collect();
    ids.retain(Option::is_some);
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "two messages share an id");
    let taken = harness.taken().await;
    assert_eq!(taken.len(), size, "each is taken once");
    assert_eq!(
        taken.into_iter().collect::<std::collections::BTreeSet<_>>(),
        addresses(&batch)
    );
}

pub(super) async fn a_message_of_another_channel_in_a_batch_is_refused(
    harness: &dyn ProviderHarness,
) {
    let world = World::new(harness);
    let mut batch: Vec<Envelope> = (0..2).map(|_| world.envelope()).collect();
    batch[0].message = Message::new(Alien);
    let results = in_time(world.provider.send_batch(&batch)).await;
    assert_eq!(results.len(), 2, "one result for each envelope");
    let fault = results[0]
        .as_ref()
        .expect_err("it is none of the provider's");
    assert_eq!(fault.kind(), FaultKind::Request, "{fault}");
    assert_eq!(world.times_taken(&batch[0]).await, 0);
    assert_eq!(
        world.times_taken(&batch[1]).await,
        usize::from(results[1].is_ok())
    );
}
