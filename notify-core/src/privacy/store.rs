//! Reads and erases what all rooms of a database hold of one person.

use async_trait::async_trait;
use std::fmt;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, RecipientId, TenantId};
use crate::preference::{AddressHash, ConsentEntry, Suppression};
use crate::privacy::{Erased, Erasure};
use crate::queue::Retention;

/// Reads and erases what all rooms of a database hold of one person. A store that shares one database with queue, preferences,
/// recipients and inboxes has it; what the application keeps elsewhere, the application erases.
///
/// # Contract
///
/// Read:
/// - `consents` gives one person's log, oldest first, with source and wording as they were said.
/// - `suppressions` gives the tenant's entries in the order of channel and hash, only those after `after`, at most `limit`; pages neither
///   repeat nor skip one.
///
/// Erase:
/// - `erase` removes the recipient, their preferences, consents and inbox, in one commit with what else it erases then.
/// - What waits of theirs is cancelled for [`Reason::Erased`](crate::Reason::Erased), dead letters too, and whoever has it is fenced.
/// - Their deliveries stay, with state, channel, times and attempts, under the pseudonym: counts stay right. Gone are the addresses, the
///   vendors' ids and reports, and the hashes by which reports found them.
/// - A notification to them alone loses data, content and key ([`NotificationRequest::erased`](crate::NotificationRequest::erased)); one
///   to others too keeps them until the last of them is erased.
/// - The rows of their consent log stay under the pseudonym, without source and wording.
/// - Audit rows that name them name the pseudonym. An erasure by an operator writes one row, `person.erase`, about the pseudonym.
/// - What is being sent stays as it is and is counted; asked again when it is over, the rest is erased.
/// - One call erases a bounded piece and says whether there is more; asking again, also with another pseudonym, goes on.
/// - A stamp of the person's preferences from before does not hold any more, whatever is said after.
/// - Nobody else's data changes, and nobody's suppressed address: hashes go on suppressing.
///
/// Upkeep:
/// - `sweep_records` forgets consents that do not stand, audit rows and suppressions that are older than their retention; a consent that
///   stands is kept for as long as it does.
#[async_trait]
pub trait PrivacyStore: fmt::Debug + Send + Sync + 'static {
    /// One person's consent log.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn consents(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
    ) -> Result<Vec<ConsentEntry>>;

    /// A page of the suppression list.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn suppressions(
        &self,
        tenant: &TenantId,
        after: Option<&(ChannelId, AddressHash)>,
        limit: u32,
    ) -> Result<Vec<Suppression>>;

    /// Erases one person, a piece at a time.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: ask again.
    async fn erase(&self, erasure: &Erasure) -> Result<Erased>;

    /// Lets nothing that was erased be read from what the database has of disk: write-ahead logs, free pages. Called once after an
    /// erasure.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`](crate::ErrorKind::Busy) if a reader holds an older state: ask again.
    async fn scrub(&self) -> Result<()>;

    /// Forgets records that are older than their retention; answers how many. At most a bounded piece a call.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is forgotten.
    async fn sweep_records(&self, now: Timestamp, retention: &Retention) -> Result<u64>;
}

fn _object_safe(_: &dyn PrivacyStore) {}
