//! Idempotency keys, where they are honoured and where they are not.

use super::{Answer, ProviderHarness, World};

/// How often a message is taken that is sent twice under one key.
fn expected(world: &World<'_>) -> usize {
    if world.provider.capabilities().honours_key_for().is_some() {
        1
    } else {
        2
    }
}

pub(super) async fn the_same_key_is_the_same_message_where_keys_are_honoured(
    harness: &dyn ProviderHarness,
) {
    let world = World::new(harness);
    let (envelope, first) = world.accepted().await;
    let second = world
        .send(&envelope)
        .await
        .expect("the same message again is no failure");
    assert_eq!(world.times_taken(&envelope).await, expected(&world));
    if expected(&world) == 1 {
        assert_eq!(first, second, "one message has one id");
    }
}

pub(super) async fn a_resend_after_a_lost_answer_is_the_same_message_where_keys_are_honoured(
    harness: &dyn ProviderHarness,
) {
    let world = World::new(harness);
    if let Some((envelope, _)) = world.failed(Answer::CutAfterWrite).await {
        world.send(&envelope).await.expect("is taken");
        assert_eq!(world.times_taken(&envelope).await, expected(&world));
    }
}

pub(super) async fn another_key_is_another_message(harness: &dyn ProviderHarness) {
    let world = World::new(harness);
    let (envelope, _) = world.accepted().await;
    let mut again = world.envelope();
    again.address = envelope.address.clone();
    again.message = envelope.message.clone();
    world.send(&again).await.expect("is taken");
    assert_eq!(world.times_taken(&envelope).await, 2);
}
