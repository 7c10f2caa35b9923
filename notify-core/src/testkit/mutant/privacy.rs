//! One person's data, to a mutant: read and erased with a lie.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, RecipientId, TenantId};
use crate::preference::{AddressHash, ConsentEntry, Suppression};
use crate::privacy::{Erased, Erasure, PrivacyStore};
use crate::queue::Retention;
use crate::recipient::{RecipientResolver, RecipientStore};
use crate::testkit::mutant::{MutantStore, Mutation};

impl MutantStore {
    fn person_room(&self) -> Result<Arc<dyn PrivacyStore>> {
        let none = || Error::new(ErrorKind::Unsupported, "the store erases nobody");
        Arc::clone(&self.inner).privacy().ok_or_else(none)
    }

    /// Lifts whatever is suppressed.
    async fn lift_all(&self, erasure: &Erasure) -> Result<()> {
        let (tenant, by) = (&erasure.tenant, Actor::Application);
        let all = self
            .person_room()?
            .suppressions(tenant, None, u32::MAX)
            .await?;
        for entry in all {
            let (channel, address) = (&entry.channel, &entry.address);
            self.inner
                .lift(tenant, channel, address, &by, erasure.now)
                .await?;
        }
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl PrivacyStore for MutantStore {
    async fn consents(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
    ) -> Result<Vec<ConsentEntry>> {
        let mut log = self.person_room()?.consents(tenant, recipient).await?;
        if self.is(Mutation::ConsentsNewestFirst) {
            log.reverse();
        }
        if self.is(Mutation::ConsentsForgetWording) {
            log.iter_mut().for_each(|row| row.wording.clear());
        }
        Ok(log)
    }

    async fn suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Result<Vec<Suppression>> {
        let all = self.is(Mutation::SuppressionsIgnoreLimit);
        let limit = if all { u32::MAX } else { limit };
        self.person_room()?.suppressions(tenant, after, limit).await
    }

    async fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        let (tenant, ids) = (&erasure.tenant, [erasure.recipient.clone()]);
        let known = RecipientResolver::resolve(&*self.inner, tenant, &ids).await?;
        let mut asked = erasure.clone();
        match self.mutation {
            Some(Mutation::EraseDoesNothing) => return Ok(Erased::default()),
            Some(Mutation::EraseTakesAnyPseudonym) => asked.pseudonym = Erasure::pseudonym(99),
            Some(Mutation::ErasureIsNotAudited) => asked.actor = Actor::Application,
            _ => {}
        }
        let mut erased = self.person_room()?.erase(&asked).await?;
        if self.is(Mutation::ErasedSaysNothingIsSent) {
            erased.sending = 0;
        }
        if self.is(Mutation::EraseLiftsSuppressions) {
            self.lift_all(erasure).await?;
        }
        if self.is(Mutation::EraseReachesAnother) {
            asked.recipient = RecipientId::new("bob");
            self.person_room()?.erase(&asked).await?;
        }
        if let (true, Some(Some(person)), Some(recipients)) = (
            self.is(Mutation::EraseKeepsRecipients),
            known.into_iter().next(),
            Arc::clone(&self.inner).recipients(),
        ) {
            RecipientStore::put(&*recipients, tenant, &[person], &Actor::Application).await?;
        }
        Ok(erased)
    }

    async fn scrub(&self) -> Result<()> {
        self.person_room()?.scrub().await
    }

    async fn sweep_records(&self, now: Timestamp, retention: &Retention) -> Result<u64> {
        let years = Duration::from_secs(20 * 365 * 86_400);
        let now = match self.mutation {
            Some(Mutation::RecordsAreKept) => return Ok(0),
            Some(Mutation::RecordsAreNeverKept) => now + years,
            _ => now,
        };
        self.person_room()?.sweep_records(now, retention).await
    }
}
