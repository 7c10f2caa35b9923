//! Calls that concern one person's data, each of which may fail.

use async_trait::async_trait;

use super::{Faulty, Operation, room, run};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, RecipientId, TenantId};
use crate::preference::{AddressHash, ConsentEntry, Suppression};
use crate::privacy::{Erased, Erasure, PrivacyStore};
use crate::queue::Retention;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PrivacyStore for Faulty {
    async fn consents(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
    ) -> Result<Vec<ConsentEntry>> {
        let privacy = room(self.privacy.as_ref())?;
        run!(self, Consents, privacy.consents(tenant, recipient))
    }

    async fn suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        let privacy = room(self.privacy.as_ref())?;
        run!(
            self,
            ListSuppressions,
            privacy.suppressions(tenant, after, limit)
        )
    }

    async fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        let privacy = room(self.privacy.as_ref())?;
        run!(self, Erase, privacy.erase(erasure))
    }

    async fn scrub(&self) -> Result<()> {
        let privacy = room(self.privacy.as_ref())?;
        run!(self, Scrub, privacy.scrub())
    }

    async fn sweep_records(&self, now: Timestamp, retention: &Retention) -> Result<u64> {
        let privacy = room(self.privacy.as_ref())?;
        run!(self, SweepRecords, privacy.sweep_records(now, retention))
    }
}
