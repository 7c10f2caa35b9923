//! What is known of providers that are not well.

use async_trait::async_trait;
use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::ProviderName;
use crate::memory::MemoryStore;
use crate::provider::{HealthPut, HealthStore, ProviderHealth, Scope};

/// Records by provider and scope. The revision is also the newest version, so that none comes back.
#[derive(Default)]
pub(super) struct Table {
    revision: u64,
    rows: BTreeMap<(ProviderName, Option<Scope>), ProviderHealth>,
}

#[async_trait]
impl HealthStore for MemoryStore {
    async fn healths(&self) -> Result<Vec<ProviderHealth>> {
        Ok(self.lock().health.rows.values().cloned().collect())
    }

    async fn put_health(
        &self,
        health: &ProviderHealth,
        expected_version: u64,
    ) -> Result<HealthPut> {
        let table = &mut self.lock().health;
        let key = (health.provider.clone(), health.scope.clone());
        let stored = table.rows.get(&key);
        if stored.map_or(0, |stored| stored.version) != expected_version {
            return Ok(HealthPut::Changed(stored.cloned()));
        }
        if health.is_well() {
            table.revision += u64::from(table.rows.remove(&key).is_some());
            return Ok(HealthPut::Written(0));
        }
        table.revision += 1;
        let version = table.revision;
        table.rows.insert(key, health.clone().stored(version));
        Ok(HealthPut::Written(version))
    }

    async fn health_revision(&self) -> Result<u64> {
        Ok(self.lock().health.revision)
    }

    async fn sweep_health(&self, before: Timestamp) -> Result<u64> {
        let table = &mut self.lock().health;
        let kept = table.rows.len();
        table.rows.retain(|_, health| health.since >= before);
        let swept = (kept - table.rows.len()) as u64;
        table.revision += u64::from(swept > 0);
        Ok(swept)
    }
}
