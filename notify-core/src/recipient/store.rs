//! Where recipients come from: the application's own resolver, or the store's table.

use async_trait::async_trait;
use std::fmt;

use crate::audit::Actor;
use crate::error::Result;
use crate::id::{RecipientId, TenantId};
use crate::recipient::Recipient;

/// Finds recipients by id: the store's own table, or the application's.
///
/// # Contract
/// - The answer has one entry for each id, in the order of the ids.
/// - An unknown id is `None`, not an error.
/// - A recipient of another tenant is never returned.
/// - An error means nothing is known about any of them; callers try again later.
#[async_trait]
pub trait RecipientResolver: fmt::Debug + Send + Sync + 'static {
    /// Looks up recipients.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) or [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the source failed.
    async fn resolve(
        &self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>>;
}

/// Keeps recipients.
///
/// # Contract
/// - `put` replaces a recipient whole, and is visible to `resolve` when it returns.
/// - Several recipients in one call are stored all or none.
/// - `remove` of an unknown id is not an error, and says so by its count.
/// - A change by an operator writes one audit row in the same commit.
#[async_trait]
pub trait RecipientStore: RecipientResolver {
    /// Stores recipients, replacing those with the same id.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if one does not [validate](Recipient::validate): then none is stored.
    async fn put(&self, tenant: &TenantId, recipients: &[Recipient], actor: &Actor) -> Result<()>;

    /// Forgets recipients; returns how many there were.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is removed.
    async fn remove(&self, tenant: &TenantId, ids: &[RecipientId], actor: &Actor) -> Result<u64>;
}
