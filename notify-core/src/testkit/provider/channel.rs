//! Messages that are none of the provider's.

use serde::Serialize;

use super::{ProviderHarness, World};
use crate::id::ChannelId;
use crate::message::{Body, Message};
use crate::provider::FaultKind;

/// Content that no provider outside of this file knows.
#[derive(Debug, Serialize)]
pub(super) struct Alien;

impl Body for Alien {
    const CHANNEL: ChannelId = ChannelId::new("channel-of-the-testkit");
}

pub(super) async fn a_message_of_another_channel_is_refused_before_any_io(
    harness: &dyn ProviderHarness,
) {
    refused(harness, Message::new(Alien)).await;
    let own = harness.message();
    refused(harness, own.on(Alien::CHANNEL)).await;
}

pub(super) async fn content_of_another_type_is_refused_before_any_io(
    harness: &dyn ProviderHarness,
) {
    let channel = harness.message().channel().clone();
    refused(harness, Message::new(Alien).on(channel)).await;
}

async fn refused(harness: &dyn ProviderHarness, message: Message) {
    let world = World::new(harness);
    let mut envelope = world.envelope();
    envelope.message = message;
    let fault = world
        .send(&envelope)
        .await
        .expect_err("it is none of the provider's");
    assert_eq!(fault.kind(), FaultKind::Request, "{fault}");
    assert_eq!(harness.asked().await, 0, "the vendor was asked");
    assert!(harness.taken().await.is_empty(), "the vendor took it");
}
