//! Keeps inboxes.

use async_trait::async_trait;
use std::fmt;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{RecipientId, TenantId};
use crate::inbox::{InboxCounts, InboxItem, InboxLimits, Mark, NewInboxItem};

/// Keeps inboxes.
///
/// # Contract
/// - `push` gives each item the next sequence of its inbox and answers with the sequences in order; the same delivery again answers
///   with the sequence it has, and stores nothing.
/// - `push` beyond the cap removes the oldest items, and one that was unread counts no longer.
/// - `page` gives the newest first, only those before `before`, at most `limit`, without archived ones unless asked.
/// - `counts` equals what a count over the items would give, after any sequence of calls, and does not scan them.
/// - `mark` never moves an item back, ignores sequences that are not there, and answers with the counts after it.
/// - `mark` of an item as seen or read is seen by the delivery's `seen_at` and `read_at`, in the same commit.
/// - `mark_all` marks every item up to and including `up_to`.
/// - `retain` sets one person's retention; outside of 1 to 15 days it is refused.
/// - `sweep_inbox` removes what is older than its person's retention, and clears the text of what went stale unread.
/// - Nothing here shows or changes another tenant's or another person's inbox.
#[async_trait]
pub trait InboxStore: fmt::Debug + Send + Sync + 'static {
    /// Puts items into inboxes.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is there.
    async fn push(
        &self,
        tenant: &TenantId,
        items: &[NewInboxItem],
        limits: &InboxLimits,
    ) -> Result<Vec<u64>>;

    /// A page of one inbox.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn page(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        before: Option<u64>,
        limit: u32,
        archived: bool,
    ) -> Result<Vec<InboxItem>>;

    /// How many items wait.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn counts(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<InboxCounts>;

    /// Marks items.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is marked.
    async fn mark(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        sequences: &[u64],
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts>;

    /// Marks every item up to and including `up_to`.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is marked.
    async fn mark_all(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
        up_to: u64,
        mark: Mark,
        now: Timestamp,
    ) -> Result<InboxCounts>;

    /// Sets for how many days one person's items are kept.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `days`, outside of 1 to 15.
    async fn retain(&self, tenant: &TenantId, recipient: &RecipientId, days: u8) -> Result<()>;

    /// Removes what is too old and clears what went stale; answers how many items. At most a bounded piece a call.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is removed.
    async fn sweep_inbox(&self, now: Timestamp, limits: &InboxLimits) -> Result<u64>;
}
