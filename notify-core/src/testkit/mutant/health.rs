//! What is known of providers, to a mutant: written and read with a lie.

use async_trait::async_trait;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::{HealthPut, HealthStore, ProviderHealth};
use crate::testkit::mutant::{MutantStore, Mutation};

impl MutantStore {
    fn providers_health(&self) -> Result<Arc<dyn HealthStore>> {
        let none = || {
            Error::new(
                ErrorKind::Unsupported,
                "the store keeps nothing of providers",
            )
        };
        Arc::clone(&self.inner).health().ok_or_else(none)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl HealthStore for MutantStore {
    async fn healths(&self) -> Result<Vec<ProviderHealth>> {
        let mut found = self.providers_health()?.healths().await?;
        if self.is(Mutation::HealthForgetsScopes) {
            found.retain(|health| health.scope.is_none());
        }
        Ok(found)
    }

    async fn put_health(&self, health: &ProviderHealth, expected: u64) -> Result<HealthPut> {
        let room = self.providers_health()?;
        let mut health = health.clone();
        if self.is(Mutation::HealthForgetsUntil) {
            health.breaker.until = None;
        }
        let answer = room.put_health(&health, expected).await?;
        match (self.mutation, &answer) {
            // Whoever comes last has it.
            (Some(Mutation::HealthIsNotCompared), HealthPut::Changed(Some(other))) => {
                room.put_health(&health, other.version).await
            }
            (Some(Mutation::WellIsKept), HealthPut::Written(0)) => Ok(HealthPut::Written(1)),
            _ => Ok(answer),
        }
    }

    async fn health_revision(&self) -> Result<u64> {
        let revision = self.providers_health()?.health_revision().await?;
        let stands = self.is(Mutation::HealthRevisionStands);
        Ok(if stands { revision.min(1) } else { revision })
    }

    async fn sweep_health(&self, before: Timestamp) -> Result<u64> {
        let nothing = self.is(Mutation::HealthIsNotSwept);
        let before = if nothing { Timestamp::EPOCH } else { before };
        self.providers_health()?.sweep_health(before).await
    }
}
