//! A provider under another name.

use async_trait::async_trait;
use std::sync::Arc;

use crate::address::Address;
use crate::id::ProviderName;
use crate::message::Message;
use crate::provider::{Capabilities, Envelope, Fault, Provider, Receipt, Scope};

/// Makes several accounts of one vendor distinct. Everything but the name is the inner provider's.
#[derive(Debug)]
pub(in crate::provider) struct Renamed {
    name: ProviderName,
    inner: Arc<dyn Provider>,
}

impl Renamed {
    /// `provider`, called `name`; the same one if that is its name already.
    pub(in crate::provider) fn wrap(
        provider: Arc<dyn Provider>,
        name: ProviderName,
    ) -> Arc<dyn Provider> {
        if *provider.name() == name {
            return provider;
        }
        Arc::new(Self {
            name,
            inner: provider,
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Provider for Renamed {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        self.inner.batch_key(message)
    }

    fn scope(&self, address: &Address) -> Option<Scope> {
        self.inner.scope(address)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        self.inner.send(envelope).await
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        self.inner.send_batch(batch).await
    }
}
