//! One person's data in all tables.

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, RecipientId, TenantId};
use crate::memory::{MemoryStore, State};
use crate::preference::{AddressHash, ConsentEntry, Suppression};
use crate::privacy::{Erased, Erasure, PrivacyStore};
use crate::queue::Retention;

impl State {
    fn erase(&mut self, erasure: &Erasure) -> Erased {
        let Erasure {
            tenant,
            recipient,
            pseudonym,
            actor,
            now,
        } = erasure;
        // Every table that knows people.
        let erased = self.queue.erase(erasure);
        self.recipients.remove(tenant, recipient);
        self.preferences.erase(tenant, recipient, pseudonym);
        self.inbox.erase(tenant, recipient);
        self.schedules.erase(erasure);
        self.audit
            .erase(tenant, recipient.as_str(), pseudonym.as_str());
        if erased.is_complete() {
            let subject = pseudonym.as_str();
            self.audit
                .write(*now, tenant, actor, "person.erase", subject);
        }
        erased
    }
}

#[async_trait]
impl PrivacyStore for MemoryStore {
    async fn consents(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
    ) -> Result<Vec<ConsentEntry>> {
        Ok(self.lock().preferences.log(tenant, recipient))
    }

    async fn suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        Ok(self.lock().suppressions.page(tenant, after, limit))
    }

    async fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        Ok(self.lock().erase(erasure))
    }

    async fn scrub(&self) -> Result<()> {
        Ok(())
    }

    async fn sweep_records(&self, now: Timestamp, retention: &Retention) -> Result<u64> {
        let mut state = self.lock();
        let consents = state.preferences.sweep(now - retention.consents);
        let audit = state.audit.sweep(now - retention.audit);
        let keep = retention.suppressions;
        let suppressions = keep.map_or(0, |keep| state.suppressions.sweep(now - keep));
        Ok(consents + audit + suppressions)
    }
}
