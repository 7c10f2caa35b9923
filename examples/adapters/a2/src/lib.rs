//! Push to Apple's devices by the crate [`a2`], as a third party would add it to notify.
//!
//! `a2` speaks to Apple's two hosts and to no other, so that its last step, the wire, is behind [`Transport`]: everything else here
//! passes the contract of providers. What it lacks beside the provider of notify-providers is in the README of this workspace.

mod fault;
mod payload;

pub use payload::Payload;

use async_trait::async_trait;
use notify_core::channel::PushMessage;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, ProviderName};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Carries one push to Apple: [`a2::Client`], or what a test puts in its place.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends it.
    ///
    /// # Errors
    /// As [`a2::Client::send`].
    async fn send(&self, payload: Payload) -> Result<a2::Response, a2::Error>;
}

#[async_trait]
impl Transport for a2::Client {
    async fn send(&self, payload: Payload) -> Result<a2::Response, a2::Error> {
        Self::send(self, payload.borrowed()?).await
    }
}

/// Sends push messages by [`a2`].
///
/// ```no_run
/// use notify_a2::A2Provider;
/// use std::fs::File;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut key = File::open("AuthKey_ABC123DEFG.p8")?;
/// let client = a2::Client::token(&mut key, "ABC123DEFG", "DEF123GHIJ", a2::ClientConfig::default())?;
/// let provider = A2Provider::new(client, "com.example.app");
/// # drop(provider);
/// # Ok(())
/// # }
/// ```
pub struct A2Provider {
    name: ProviderName,
    capabilities: Capabilities,
    transport: Arc<dyn Transport>,
    topic: String,
}

impl A2Provider {
    /// A provider for the application with this bundle id.
    #[must_use]
    pub fn new(transport: impl Transport, topic: impl Into<String>) -> Self {
        Self {
            name: ProviderName::new("a2"),
            // `apns-id` is made of the key, but Apple drops no second message with the same one: no key is honoured.
            capabilities: Capabilities::for_channel(ChannelId::PUSH),
            transport: Arc::new(transport),
            topic: topic.into(),
        }
    }
}

#[async_trait]
impl Provider for A2Provider {
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
        let message: &PushMessage = envelope.message.body()?;
        let payload = Payload::new(message, envelope, &self.topic)?;
        // The crate does not say when it writes: from here on nobody knows.
        envelope.progress.connecting();
        envelope.progress.writing();
        let call = self.transport.send(payload);
        match timeout(envelope.timeout.saturating_sub(MARGIN), call).await {
            Ok(Ok(response)) => {
                let id = response.apns_id.filter(|id| !id.is_empty());
                Ok(id.map_or_else(Receipt::new, Receipt::with_message_id))
            }
            Ok(Err(error)) => Err(fault::of(&error)),
            Err(_) => Err(Fault::unknown("timeout")),
        }
    }
}

/// So much earlier than the envelope's time a call ends, so that its answer is this provider's.
const MARGIN: Duration = Duration::from_millis(20);

impl fmt::Debug for A2Provider {
    /// Without the client, which holds the signed token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("A2Provider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
