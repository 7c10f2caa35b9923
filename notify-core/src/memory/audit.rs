//! The audit log: one row for each action of an operator.

use async_trait::async_trait;
use std::collections::HashMap;

use crate::audit::{Actor, AuditEntry, AuditStore};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TenantId;
use crate::memory::MemoryStore;

/// Rows by tenant, oldest first.
#[derive(Default)]
pub(super) struct Table {
    last: u64,
    rows: HashMap<TenantId, Vec<AuditEntry>>,
}

impl Table {
    /// Adds a row, if what `actor` does is audited.
    pub(super) fn write(
        &mut self,
        at: Timestamp,
        tenant: &TenantId,
        actor: &Actor,
        action: &'static str,
        subject: impl Into<String>,
    ) {
        if actor.is_audited() {
            self.last += 1;
            let entry = AuditEntry::new(
                self.last,
                at,
                tenant.clone(),
                actor.as_str(),
                action,
                subject,
            );
            self.rows.entry(tenant.clone()).or_default().push(entry);
        }
    }

    /// Lets rows about one person name the pseudonym.
    pub(super) fn erase(&mut self, tenant: &TenantId, recipient: &str, pseudonym: &str) {
        let rows = self.rows.get_mut(tenant).into_iter().flatten();
        for row in rows.filter(|row| row.subject == recipient) {
            pseudonym.clone_into(&mut row.subject);
        }
    }

    /// Forgets rows from `limit` or before; answers how many.
    pub(super) fn sweep(&mut self, limit: Timestamp) -> u64 {
        let mut gone = 0;
        for rows in self.rows.values_mut() {
            let before = rows.len();
            rows.retain(|row| row.at > limit);
            gone += before - rows.len();
        }
        gone as u64
    }

    fn page(&self, tenant: &TenantId, before: Option<u64>, limit: u32) -> Vec<AuditEntry> {
        let rows = self.rows.get(tenant).map_or(&[][..], Vec::as_slice);
        let end = before.map_or(rows.len(), |at| {
            rows.partition_point(|row| row.sequence < at)
        });
        rows[..end]
            .iter()
            .rev()
            .take(limit as usize)
            .cloned()
            .collect()
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn audit_log(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>> {
        Ok(self.lock().audit.page(tenant, before, limit))
    }
}
