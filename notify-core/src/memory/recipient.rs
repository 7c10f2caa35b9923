//! Recipients by tenant and id.

use async_trait::async_trait;
use std::collections::HashMap;

use crate::audit::Actor;
use crate::error::Result;
use crate::id::{RecipientId, TenantId};
use crate::memory::{MemoryStore, State};
use crate::recipient::{Recipient, RecipientResolver, RecipientStore};

/// Recipients by tenant and id.
#[derive(Default)]
pub(super) struct Table {
    rows: HashMap<TenantId, HashMap<RecipientId, Recipient>>,
}

impl Table {
    fn get(&self, tenant: &TenantId, id: &RecipientId) -> Option<&Recipient> {
        self.rows.get(tenant)?.get(id)
    }

    fn put(&mut self, tenant: &TenantId, recipient: Recipient) {
        let rows = self.rows.entry(tenant.clone()).or_default();
        rows.insert(recipient.id().clone(), recipient);
    }

    pub(super) fn remove(&mut self, tenant: &TenantId, id: &RecipientId) -> bool {
        self.rows
            .get_mut(tenant)
            .is_some_and(|rows| rows.remove(id).is_some())
    }
}

#[async_trait]
impl RecipientResolver for MemoryStore {
    async fn resolve(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>> {
        let state = self.lock();
        Ok(ids
            .iter()
            .map(|id| state.recipients.get(tenant, id).cloned())
            .collect())
    }
}

#[async_trait]
impl RecipientStore for MemoryStore {
    async fn put(&self, tenant: &TenantId, recipients: &[Recipient], actor: &Actor) -> Result<()> {
        recipients.iter().try_for_each(Recipient::validate)?;
        let now = self.shared.clock.now();
        let mut guard = self.lock();
        let State {
            audit,
            recipients: table,
            ..
        } = &mut *guard;
        for recipient in recipients {
            audit.write(now, tenant, actor, "recipient.put", recipient.id().as_str());
            table.put(tenant, recipient.clone());
        }
        Ok(())
    }

    async fn remove(&self, tenant: &TenantId, ids: &[RecipientId], actor: &Actor) -> Result<u64> {
        let now = self.shared.clock.now();
        let mut guard = self.lock();
        let State {
            audit,
            recipients: table,
            ..
        } = &mut *guard;
        let mut removed = 0;
        for id in ids {
            if table.remove(tenant, id) {
                audit.write(now, tenant, actor, "recipient.remove", id.as_str());
                removed += 1;
            }
        }
        Ok(removed)
    }
}
