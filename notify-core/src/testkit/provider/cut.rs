//! Calls that do not end by themselves, and calls at the same time.

use std::time::Duration;
use tokio::task::{JoinSet, yield_now};

use super::{Answer, ProviderHarness, World, addresses, in_time};
use crate::provider::{Envelope, FaultKind};
use std::sync::Arc;

pub(super) async fn a_vendor_that_never_answers_is_cut_off_in_time(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    if let Some((envelope, fault)) = world.failed(Answer::Hang).await {
        assert_eq!(
            fault.kind(),
            FaultKind::Unknown,
            "{fault}: the vendor may have taken it"
        );
        assert!(
            !envelope.progress.nothing_written(),
            "the vendor read the message"
        );
    }
}

pub(super) async fn a_connection_cut_after_the_message_is_unknown(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    if let Some((envelope, fault)) = world.failed(Answer::CutAfterWrite).await {
        assert_eq!(
            fault.kind(),
            FaultKind::Unknown,
            "{fault}: the vendor may have taken it"
        );
        assert!(
            !envelope.progress.nothing_written(),
            "the vendor read the message"
        );
    }
}

pub(super) async fn a_call_that_wrote_nothing_says_so(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    if let Some((envelope, _)) = world.failed(Answer::Unreachable).await {
        assert!(
            envelope.progress.nothing_written(),
            "nothing was written: a cut-off is a failure"
        );
    }
}

pub(super) async fn a_call_that_wrote_something_says_so(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let (envelope, _) = world.accepted().await;
    assert!(
        !envelope.progress.nothing_written(),
        "the vendor took the message"
    );
}

pub(super) async fn a_dropped_call_leaves_the_provider_usable(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    for _ in 0..5 {
        if !world.script(Answer::Hang).await {
            return;
        }
        let (before, dropped) = (harness.asked().await, world.envelope());
        let is_asked = async {
            while harness.asked().await == before {
                yield_now().await;
            }
        };
        in_time(async {
            tokio::select! {
                result = world.provider.send(&dropped) => panic!("the vendor hangs: {result:?}"),
                () = is_asked => {}
            }
        })
        .await;
        next_is_whole(&world, &dropped).await;
    }
}

pub(super) async fn a_call_dropped_at_once_leaves_the_provider_usable(
    harness: &dyn ProviderHarness,
) {
    let world = World::new(harness);
    for _ in 0..5 {
        let dropped = world.envelope();
        // Polled once.
        let _ = tokio::time::timeout(Duration::ZERO, world.provider.send(&dropped)).await;
        next_is_whole(&world, &dropped).await;
    }
}

/// The next message is taken, once, and nothing of the dropped one comes with it.
async fn next_is_whole(world: &World<'_>, dropped: &Envelope) {
    let (next, receipt) = world.accepted().await;
    assert_eq!(
        world.times_taken(&next).await,
        1,
        "the message after a dropped one"
    );
    assert!(
        world.times_taken(dropped).await <= 1,
        "the dropped message was taken twice"
    );
    let (last, another) = world.accepted().await;
    assert_eq!(world.times_taken(&last).await, 1);
    assert!(
        receipt.message_id.is_none() || receipt != another,
        "an answer came late"
    );
}

pub(super) async fn calls_at_the_same_time_are_not_mixed_up(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let count = world.provider.capabilities().concurrency().min(16);
    let envelopes: Vec<Envelope> = (0..count).map(|_| world.envelope()).collect();
    let mut calls = JoinSet::new();
    for envelope in envelopes.clone() {
        let provider = Arc::clone(&world.provider);
        calls.spawn(async move { provider.send(&envelope).await });
    }
    let mut ids = Vec::new();
    while let Some(result) = in_time(calls.join_next()).await {
        ids.extend(result.expect("ends").expect("is taken").message_id);
    }
    ids.sort_unstable();
    let given = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), given, "two messages share an id");
    let taken = harness.taken().await;
    assert_eq!(taken.len(), count, "each is taken once");
    assert_eq!(
        taken.into_iter().collect::<std::collections::BTreeSet<_>>(),
        addresses(&envelopes)
    );
}
