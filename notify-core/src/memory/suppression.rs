//! Addresses that must not be used, by tenant, channel and hash.

use async_trait::async_trait;
use std::collections::HashMap;
use std::fmt::Write as _;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, TenantId};
use crate::memory::{MemoryStore, State};
use crate::preference::{AddressHash, Pepper, Suppression, SuppressionScope, SuppressionStore};

/// Entries by tenant, channel and hash.
#[derive(Default)]
pub(super) struct Table {
    rows: HashMap<TenantId, HashMap<ChannelId, HashMap<[u8; 32], Suppression>>>,
}

impl Table {
    fn get(&self, tenant: &TenantId, channel: &ChannelId, hash: &[u8; 32]) -> Option<&Suppression> {
        self.rows.get(tenant)?.get(channel)?.get(hash)
    }

    /// Whether a message must not go to this address.
    pub(super) fn is_suppressed(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        hash: &[u8; 32],
        marketing: bool,
    ) -> bool {
        self.get(tenant, channel, hash)
            .is_some_and(|entry| match entry.scope {
                SuppressionScope::All => true,
                SuppressionScope::Marketing => marketing,
            })
    }

    /// Adds an entry. One that is there is widened, with the new reason, and never narrowed.
    pub(super) fn add(&mut self, tenant: &TenantId, entry: &Suppression) {
        let channels = self.rows.entry(tenant.clone()).or_default();
        let hashes = channels.entry(entry.channel.clone()).or_default();
        let known = hashes
            .entry(*entry.address.as_bytes())
            .or_insert_with(|| entry.clone());
        if (known.scope, entry.scope) == (SuppressionScope::Marketing, SuppressionScope::All) {
            known.clone_from(entry);
        }
    }

    /// A page of a tenant's entries, in the order of channel and hash.
    pub(super) fn page(
        &self,
        tenant: &TenantId,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Vec<Suppression> {
        let channels = self.rows.get(tenant).into_iter().flatten();
        let mut found: Vec<&Suppression> = channels
            .flat_map(|(_, hashes)| hashes.values())
            .filter(|entry| {
                after.is_none_or(|(channel, address)| {
                    (&entry.channel, &entry.address) > (channel, address)
                })
            })
            .collect();
        found.sort_by_key(|entry| (&entry.channel, &entry.address));
        found.truncate(limit as usize);
        found.into_iter().cloned().collect()
    }

    /// Forgets entries from `limit` or before; answers how many.
    pub(super) fn sweep(&mut self, limit: Timestamp) -> u64 {
        let mut gone = 0;
        let hashes = self.rows.values_mut().flat_map(HashMap::values_mut);
        for hashes in hashes {
            let before = hashes.len();
            hashes.retain(|_, entry| entry.at > limit);
            gone += before - hashes.len();
        }
        gone as u64
    }

    fn remove(&mut self, tenant: &TenantId, channel: &ChannelId, hash: &[u8; 32]) -> bool {
        let hashes = self
            .rows
            .get_mut(tenant)
            .and_then(|channels| channels.get_mut(channel));
        hashes.is_some_and(|hashes| hashes.remove(hash).is_some())
    }
}

/// What the audit log calls an entry: the address itself is nowhere.
fn subject(channel: &ChannelId, address: &AddressHash) -> String {
    let mut subject = format!("{channel}:");
    for byte in address.as_bytes() {
        // Writing to a text does not fail.
        let _ = write!(subject, "{byte:02x}");
    }
    subject
}

#[async_trait]
impl SuppressionStore for MemoryStore {
    fn pepper(&self) -> Pepper {
        self.shared.pepper.clone()
    }

    async fn suppressed(
        &self,
        tenant: &TenantId,
        asked: &[(ChannelId, AddressHash)],
    ) -> Result<Vec<Option<SuppressionScope>>> {
        let state = self.lock();
        let scope = |(channel, address): &(ChannelId, AddressHash)| {
            let entry = state.suppressions.get(tenant, channel, address.as_bytes());
            entry.map(|entry| entry.scope)
        };
        Ok(asked.iter().map(scope).collect())
    }

    async fn suppress(
        &self,
        tenant: &TenantId,
        entries: &[Suppression],
        actor: &Actor,
    ) -> Result<()> {
        let now = self.shared.clock.now();
        let mut guard = self.lock();
        let State {
            audit,
            suppressions,
            ..
        } = &mut *guard;
        for entry in entries {
            let subject = subject(&entry.channel, &entry.address);
            audit.write(now, tenant, actor, "suppression.add", subject);
            suppressions.add(tenant, entry);
        }
        Ok(())
    }

    async fn lift(
        &self,
        tenant: &TenantId,
        channel: &ChannelId,
        address: &AddressHash,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool> {
        let mut guard = self.lock();
        let State {
            audit,
            suppressions,
            ..
        } = &mut *guard;
        let was_there = suppressions.remove(tenant, channel, address.as_bytes());
        if was_there {
            audit.write(
                now,
                tenant,
                actor,
                "suppression.lift",
                subject(channel, address),
            );
        }
        Ok(was_there)
    }
}
