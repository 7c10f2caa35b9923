//! Delivers in-app messages: into the inbox of the same store, once for each delivery.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::InAppMessage;
use crate::clock::Clock;
use crate::id::{ChannelId, ProviderName, RecipientId};
use crate::inbox::{InboxLimits, InboxStore, NewInboxItem};
use crate::provider::{Capabilities, Envelope, Fault, Provider, Receipt};

/// The provider of the channel `in_app`: an item in the recipient's inbox.
///
/// A resend makes no second item: the delivery is the key, for as long as the item is kept.
#[derive(Debug)]
pub struct InboxProvider {
    name: ProviderName,
    able: Capabilities,
    store: Arc<dyn InboxStore>,
    clock: Arc<dyn Clock>,
    limits: InboxLimits,
}

impl InboxProvider {
    /// Items go into this store.
    #[must_use]
    pub fn new(store: Arc<dyn InboxStore>, clock: Arc<dyn Clock>, limits: InboxLimits) -> Self {
        let able = Capabilities::for_channel(ChannelId::IN_APP)
            .with_batch(100)
            .with_idempotency(limits.retention.max(Duration::from_secs(86_400)));
        Self {
            name: ProviderName::new("inbox"),
            able,
            store,
            clock,
            limits,
        }
    }

    fn item(&self, envelope: &Envelope) -> Result<NewInboxItem, Fault> {
        let message: &InAppMessage = envelope.message.body()?;
        Ok(NewInboxItem::new(
            RecipientId::from(envelope.address.expose()),
            envelope.delivery,
            envelope.notification,
            envelope.category.clone(),
            message.clone(),
            self.clock.now(),
        ))
    }
}

#[async_trait]
impl Provider for InboxProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.able
    }

    fn batch_key(&self, _: &crate::message::Message) -> Option<u64> {
        Some(0)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let item = self.item(envelope)?;
        match self
            .store
            .push(&envelope.tenant, &[item], &self.limits)
            .await
        {
            Ok(sequences) => Ok(sequences
                .first()
                .map_or_else(Receipt::new, |n| Receipt::with_message_id(n.to_string()))),
            // The store answers an unknown commit by the same key, so that trying again is safe.
            Err(_) => Err(Fault::provider("inbox_store")),
        }
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut results: Vec<Option<Result<Receipt, Fault>>> = Vec::new();
        results.resize_with(batch.len(), || None);
        let mut tenants: std::collections::BTreeMap<_, Vec<(usize, NewInboxItem)>> =
            std::collections::BTreeMap::new();
        for (no, envelope) in batch.iter().enumerate() {
            match self.item(envelope) {
                Ok(item) => tenants
                    .entry(&envelope.tenant)
                    .or_default()
                    .push((no, item)),
                Err(fault) => results[no] = Some(Err(fault)),
            }
        }
        for (tenant, items) in tenants {
            let (places, items): (Vec<_>, Vec<_>) = items.into_iter().unzip();
            let answer = self.store.push(tenant, &items, &self.limits).await;
            for (at, no) in places.into_iter().enumerate() {
                results[no] = Some(match &answer {
                    Ok(sequences) => Ok(sequences
                        .get(at)
                        .map_or_else(Receipt::new, |n| Receipt::with_message_id(n.to_string()))),
                    Err(_) => Err(Fault::provider("inbox_store")),
                });
            }
        }
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(Fault::unknown("no_answer"))))
            .collect()
    }
}
