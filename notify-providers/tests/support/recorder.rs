//! A provider that keeps the addresses it was given.

use async_trait::async_trait;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::{ChannelId, Message, ProviderName};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Takes everything, and remembers where it went.
#[derive(Debug)]
pub(crate) struct Recorder {
    name: ProviderName,
    capabilities: Capabilities,
    addresses: Mutex<Vec<String>>,
    answers: AtomicUsize,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            name: ProviderName::new("recorder"),
            capabilities: Capabilities::for_channel(ChannelId::EMAIL).with_batch(500),
            addresses: Mutex::default(),
            answers: AtomicUsize::new(usize::MAX),
        }
    }
}

impl Recorder {
    /// The same recorder, as a provider.
    pub(crate) fn shared(self: &Arc<Self>) -> Arc<dyn Provider> {
        let shared: Arc<Self> = Arc::clone(self);
        shared
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.addresses.lock().expect("not poisoned").clone()
    }

    /// Breaks the contract: answers so many of a batch and forgets the rest.
    pub(crate) fn answer_only(&self, answers: usize) {
        self.answers.store(answers, Ordering::SeqCst);
    }
}

#[async_trait]
impl Provider for Recorder {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn batch_key(&self, _: &Message) -> Option<u64> {
        Some(7)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        envelope.progress.connecting();
        self.addresses
            .lock()
            .expect("not poisoned")
            .push(envelope.address.expose().to_owned());
        Ok(Receipt::with_message_id(envelope.key.as_ref()))
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut results = Vec::new();
        for envelope in batch.iter().take(self.answers.load(Ordering::SeqCst)) {
            results.push(self.send(envelope).await);
        }
        results
    }
}
