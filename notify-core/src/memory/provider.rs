//! Provider configurations by name.

use async_trait::async_trait;
use std::collections::BTreeMap;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ProviderName, TenantId};
use crate::memory::{MemoryStore, State};
use crate::provider::{ProviderConfig, ProviderStore};

/// Configurations by name.
#[derive(Default)]
pub(super) struct Table {
    revision: u64,
    rows: BTreeMap<ProviderName, ProviderConfig>,
}

#[async_trait]
impl ProviderStore for MemoryStore {
    async fn providers(&self) -> Result<Vec<ProviderConfig>> {
        let mut found: Vec<_> = self.lock().providers.rows.values().cloned().collect();
        // The names are in order already.
        found.sort_by(|a, b| (&a.channel, a.priority).cmp(&(&b.channel, b.priority)));
        Ok(found)
    }

    async fn put_provider(
        &self,
        config: &ProviderConfig,
        expected_version: u64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64> {
        config.validate()?;
        let mut guard = self.lock();
        let State {
            audit, providers, ..
        } = &mut *guard;
        let name = &config.name;
        let stored = providers.rows.get(name).map_or(0, |config| config.version);
        if stored != expected_version {
            let why = format!("provider {name} has version {stored}: read it again");
            return Err(Error::new(ErrorKind::Conflict, why));
        }
        let version = stored + 1;
        audit.write(
            now,
            &TenantId::default(),
            actor,
            "provider.put",
            name.as_str(),
        );
        providers
            .rows
            .insert(name.clone(), config.clone().stored(version, now));
        providers.revision += 1;
        Ok(version)
    }

    async fn remove_provider(
        &self,
        name: &ProviderName,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let mut guard = self.lock();
        let State {
            audit, providers, ..
        } = &mut *guard;
        let was_there = providers.rows.remove(name).is_some();
        if was_there {
            audit.write(
                now,
                &TenantId::default(),
                actor,
                "provider.remove",
                name.as_str(),
            );
            providers.revision += 1;
        }
        Ok(was_there)
    }

    async fn provider_revision(&self) -> Result<u64> {
        Ok(self.lock().providers.revision)
    }
}
