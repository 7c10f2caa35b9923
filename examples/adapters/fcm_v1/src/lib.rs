//! Push by Firebase by the crate [`fcm_v1`], as a third party would add it to notify.
//!
//! What it lacks beside the provider of notify-providers is in the README of this workspace; most of all, whatever goes wrong on the
//! way to Firebase is called a time-out by the crate, and so is unknown here.

mod fault;

use async_trait::async_trait;
use fcm_v1::message::{Message as FcmMessage, Notification};
use futures_util::FutureExt as _;
use notify_core::channel::PushMessage;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, ProviderName};
use serde_json::Value;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::time::timeout;

/// So much earlier than the envelope's time a call ends, so that its answer is this provider's.
const MARGIN: Duration = Duration::from_millis(20);

/// Sends push messages by [`fcm_v1`].
///
/// ```no_run
/// use fcm_v1::{Client, auth::Authenticator};
/// use notify_fcm_v1::FcmV1Provider;
/// use std::time::Duration;
///
/// # async fn example() -> Result<(), fcm_v1::Error> {
/// let key = Authenticator::service_account_from_file("service-account.json").await?;
/// let client = Client::new(key, "shop-1", false, Duration::from_secs(10));
/// let provider = FcmV1Provider::new(client);
/// # drop(provider);
/// # Ok(())
/// # }
/// ```
pub struct FcmV1Provider {
    name: ProviderName,
    capabilities: Capabilities,
    client: fcm_v1::Client,
}

impl FcmV1Provider {
    /// A provider of this client.
    #[must_use]
    pub fn new(client: fcm_v1::Client) -> Self {
        Self {
            name: ProviderName::new("fcm_v1"),
            capabilities: Capabilities::for_channel(ChannelId::PUSH),
            client,
        }
    }
}

/// What the crate is given: title, body, picture and data. The rest has no place that is the same on all platforms.
fn message(push: &PushMessage, token: &str) -> FcmMessage {
    let data = push.data.iter();
    let data = data.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    FcmMessage {
        token: Some(token.to_owned()),
        notification: Some(Notification {
            title: Some(push.title.clone()),
            body: Some(push.body.clone()),
            image: push.image.clone(),
        }),
        data: (!push.data.is_empty()).then(|| data.collect()),
        ..FcmMessage::default()
    }
}

#[async_trait]
impl Provider for FcmV1Provider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        if !self.capabilities.serves(envelope.message.channel()) {
            return Err(Fault::request("wrong_channel"));
        }
        let push: &PushMessage = envelope.message.body()?;
        let message = message(push, envelope.address.expose());
        // The crate does not say when it writes: from here on nobody knows.
        envelope.progress.connecting();
        envelope.progress.writing();
        // It panics on a status that has no name.
        let call = AssertUnwindSafe(self.client.send(&message)).catch_unwind();
        match timeout(envelope.timeout.saturating_sub(MARGIN), call).await {
            Ok(Ok(Ok(taken))) => {
                let id = taken.name.filter(|name| !name.is_empty());
                Ok(id.map_or_else(Receipt::new, Receipt::with_message_id))
            }
            Ok(Ok(Err(error))) => Err(fault::of(&error)),
            Ok(Err(_)) => Err(Fault::unknown("panic")),
            Err(_) => Err(Fault::unknown("timeout")),
        }
    }
}

impl fmt::Debug for FcmV1Provider {
    /// Without the client, which holds the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FcmV1Provider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
