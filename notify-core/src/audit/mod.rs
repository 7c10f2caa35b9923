//! Who changed what: one row for each action of an operator, in the same commit as the change.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TenantId;

/// Who acts. Actions of people and services are audited; what the system does by itself is in the timeline of deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// The application itself, in the ordinary course of business: not audited.
    Application,
    /// The recipient, about their own data: recorded in the consent log, not audited.
    Recipient,
    /// An operator, by the application's own id for them: audited.
    Operator(String),
}

impl Actor {
    /// An operator.
    #[must_use]
    pub fn operator(id: impl Into<String>) -> Self {
        Self::Operator(id.into())
    }

    /// Whether what they do leaves an audit row.
    #[must_use]
    pub const fn is_audited(&self) -> bool {
        matches!(self, Self::Operator(_))
    }

    /// The operator's id, or the word for the others, as stores keep it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Application => "application",
            Self::Recipient => "recipient",
            Self::Operator(id) => id,
        }
    }
}

/// One action of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Grows by one with each entry of the store.
    pub sequence: u64,
    /// When.
    pub at: Timestamp,
    /// Whose data was touched.
    pub tenant: TenantId,
    /// The operator.
    pub actor: String,
    /// What was done: `template.put`, `delivery.requeue`, `provider.put`, …
    pub action: String,
    /// What it was done to: an id or a name, never an address.
    pub subject: String,
}

impl AuditEntry {
    /// An entry as a store reads it back.
    #[must_use]
    pub fn new(
        sequence: u64,
        at: Timestamp,
        tenant: TenantId,
        actor: impl Into<String>,
        action: impl Into<String>,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            sequence,
            at,
            tenant,
            actor: actor.into(),
            action: action.into(),
            subject: subject.into(),
        }
    }
}

/// Reads the audit log. It is written by the other stores, each in the commit of the change itself.
///
/// # Contract
/// - Entries come newest first, only those of the tenant, only those before `before`, at most `limit`.
/// - A change whose audit row cannot be written is not made.
#[async_trait]
pub trait AuditStore: fmt::Debug + Send + Sync + 'static {
    /// A page of the log.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn audit_log(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>>;
}
