//! Where the state of breakers outlives a process and reaches the others.

use async_trait::async_trait;
use std::fmt;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{OwnerId, ProviderName};
use crate::provider::{BreakerSnapshot, Scope};

/// What is known of a provider, or of one [`Scope`] of it, that is not as it should be.
///
/// A record in state `half_open` with a time is the permit of one process to try the provider out: until then, or until that process
/// writes what came of it, no other does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderHealth {
    /// Which provider.
    pub provider: ProviderName,
    /// Which part of what it reaches; `None` for all of it.
    pub scope: Option<Scope>,
    /// Where its breaker stands.
    pub breaker: BreakerSnapshot,
    /// Since when.
    pub since: Timestamp,
    /// Which process wrote it.
    pub by: OwnerId,
    /// Grows with each change; set by the store.
    pub version: u64,
}

impl ProviderHealth {
    /// A record that is not yet stored.
    #[must_use]
    pub const fn new(
        provider: ProviderName,
        scope: Option<Scope>,
        breaker: BreakerSnapshot,
        since: Timestamp,
        by: OwnerId,
    ) -> Self {
        Self {
            provider,
            scope,
            breaker,
            since,
            by,
            version: 0,
        }
    }

    /// What a store adds: the version.
    #[must_use]
    pub const fn stored(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// Whether there is nothing to keep: the breaker is closed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.breaker.state == "closed"
    }
}

/// Whether a record was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum HealthPut {
    /// Yes. What is stored has this version now; 0 for a record that is well, since none is kept.
    Written(u64),
    /// No: something else is stored than was expected. This; `None` if nothing is.
    Changed(Option<ProviderHealth>),
}

/// Keeps what is known of providers that are not well, for every process that calls them.
///
/// Written when a breaker changes, and never for a healthy call.
///
/// # Contract
/// - `put_health` writes only if the stored version is the expected one, 0 for none, and answers with the new version; otherwise it
///   changes nothing and answers with what is stored. Of several at the same time that expect the same, one is written.
/// - A version is larger than every one before it, of any record, also of records that are gone: it never comes back.
/// - A record that is well is not kept: to put it is to forget the one that is stored.
/// - `healths` returns every record, ordered by provider and scope, the one without a scope first.
/// - `health_revision` grows with each change and with nothing else: equal revisions, equal answers.
/// - `sweep_health` forgets what is known since before the given time, and answers how many records that were.
/// - A change is visible to every process when it returns, and outlives the process.
#[async_trait]
pub trait HealthStore: fmt::Debug + Send + Sync + 'static {
    /// Every record.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) or [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store
    /// failed.
    async fn healths(&self) -> Result<Vec<ProviderHealth>>;

    /// Writes one record, if nobody else did.
    ///
    /// # Errors
    /// As [`healths`](Self::healths). It may have been written all the same: then the next call says so.
    async fn put_health(&self, health: &ProviderHealth, expected_version: u64)
    -> Result<HealthPut>;

    /// A number that grows with each change, from 0. Cheap: asked every second.
    ///
    /// # Errors
    /// As [`healths`](Self::healths).
    async fn health_revision(&self) -> Result<u64>;

    /// Forgets records that nobody has changed since `before`: of providers that are not used any more.
    ///
    /// # Errors
    /// As [`healths`](Self::healths).
    async fn sweep_health(&self, before: Timestamp) -> Result<u64>;
}

fn _object_safe(_: &dyn HealthStore) {}
