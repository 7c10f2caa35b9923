//! What is known of providers, in calls that may fail.

use async_trait::async_trait;

use super::{Faulty, Operation, room, run};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::provider::{HealthPut, HealthStore, ProviderHealth};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl HealthStore for Faulty {
    async fn healths(&self) -> Result<Vec<ProviderHealth>> {
        let health = room(self.health.as_ref())?;
        run!(self, Healths, health.healths())
    }

    async fn put_health(&self, record: &ProviderHealth, expected: u64) -> Result<HealthPut> {
        let health = room(self.health.as_ref())?;
        run!(self, PutHealth, health.put_health(record, expected))
    }

    async fn health_revision(&self) -> Result<u64> {
        let health = room(self.health.as_ref())?;
        run!(self, HealthRevision, health.health_revision())
    }

    async fn sweep_health(&self, before: Timestamp) -> Result<u64> {
        let health = room(self.health.as_ref())?;
        run!(self, SweepHealth, health.sweep_health(before))
    }
}
