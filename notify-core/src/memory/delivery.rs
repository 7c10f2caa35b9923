//! Reads deliveries.

use async_trait::async_trait;

use crate::delivery::{Delivery, DeliveryEvent, DeliveryStore};
use crate::error::Result;
use crate::id::{DeliveryId, NotificationId, RecipientId, TenantId};
use crate::memory::MemoryStore;

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn load(&self, ids: &[DeliveryId]) -> Result<Vec<Option<Delivery>>> {
        let state = self.lock();
        Ok(ids.iter().map(|id| state.queue.read(id)).collect())
    }

    async fn of_notification(
        &self,
        tenant: &TenantId,
        id: NotificationId,
    ) -> Result<Vec<Delivery>> {
        Ok(self.lock().queue.of_notification(tenant, &id))
    }

    async fn history(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>> {
        let state = self.lock();
        let ids = state.queue.person(tenant, recipient).into_iter();
        let newest_first = ids.flat_map(|ids| match before {
            Some(before) => ids.range(..before).rev(),
            None => ids.range(..).rev(),
        });
        let page = newest_first.take(limit as usize);
        Ok(page.filter_map(|id| state.queue.read(id)).collect())
    }

    async fn history_count(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<u64> {
        let state = self.lock();
        let ids = state.queue.person(tenant, recipient);
        Ok(ids.map_or(0, |ids| ids.len() as u64))
    }

    async fn timeline(&self, tenant: &TenantId, id: DeliveryId) -> Result<Vec<DeliveryEvent>> {
        Ok(self.lock().queue.timeline(tenant, &id).to_vec())
    }
}
