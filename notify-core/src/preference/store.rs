//! Where preferences are kept, and the version by which a commit can tell that they changed.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{RecipientId, TenantId};
use crate::preference::{PreferenceChange, Preferences};

/// A version of one person's preferences. Only the database that issued it can compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stamp {
    /// Which database.
    pub store: u128,
    /// Grows with every change of the person's or the tenant's settings.
    pub version: u64,
}

impl Stamp {
    /// A version issued by this database.
    #[must_use]
    pub const fn new(store: u128, version: u64) -> Self {
        Self { store, version }
    }
}

/// Keeps what people want.
///
/// # Contract
/// - `load` answers one entry for each id, in the order of the ids; someone who said nothing has empty settings.
/// - `apply` is visible to `load` when it returns.
/// - `apply` of a consent keeps a row in the consent log: who, what, when, from where.
/// - `apply` by an operator writes one audit row in the same commit.
/// - A store that shares its database with the queue gives every answer a [`Stamp`], and a change of the person's or the tenant's
///   settings makes all earlier stamps stale.
/// - A store that does not share it gives `None`: then a message is begun only within a second of a fresh read, and if the read
///   fails only mandatory categories go.
#[async_trait]
pub trait PreferenceStore: fmt::Debug + Send + Sync + 'static {
    /// Reads preferences.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) or [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn load(&self, tenant: &TenantId, ids: &[RecipientId]) -> Result<Vec<Preferences>>;

    /// Carries a change out. Required of every store: to unsubscribe is a right.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing changed.
    async fn apply(
        &self,
        tenant: &TenantId,
        change: &PreferenceChange,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<()>;
}
