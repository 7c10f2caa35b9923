//! Reads deliveries: for the worker, and for everyone who asks what became of a notification.

use async_trait::async_trait;
use std::fmt;

use crate::delivery::{Delivery, DeliveryEvent};
use crate::error::Result;
use crate::id::{DeliveryId, NotificationId, RecipientId, TenantId};

/// Reads what the queue wrote. The read model of the same database.
///
/// # Contract
/// - `load` answers one entry for each id, in the order of the ids; an unknown id is `None`.
/// - Everything that was accepted of a delivery reads back as it was.
/// - A delivery whose provider is being called reads as [`Sending`](crate::delivery::DeliveryState::Sending).
/// - `of_notification` gives the deliveries ordered by recipient and step.
/// - `of_notification`, `history`, `history_count` and `timeline` never show another tenant's data.
/// - `history` gives the newest first, only those before `before`, at most `limit`; pages neither repeat nor skip one.
/// - `history_count` counts what all pages of `history` show.
/// - `timeline` gives the oldest first, and begins with `accepted`, followed by `held` or `suppressed` where that was decided.
/// - What a committed call of the queue wrote is read by the next call here.
#[async_trait]
pub trait DeliveryStore: fmt::Debug + Send + Sync + 'static {
    /// Reads deliveries of any tenant, for the worker.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn load(&self, ids: &[DeliveryId]) -> Result<Vec<Option<Delivery>>>;

    /// Every delivery of a notification, by recipient and step.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn of_notification(&self, tenant: &TenantId, id: NotificationId)
    -> Result<Vec<Delivery>>;

    /// A page of one person's deliveries.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn history(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<Delivery>>;

    /// How many deliveries one person has.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn history_count(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<u64>;

    /// Everything that happened to one delivery; empty if it is unknown.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn timeline(&self, tenant: &TenantId, id: DeliveryId) -> Result<Vec<DeliveryEvent>>;
}
