//! What vendors report, applied to deliveries: the same tables as the queue's, in one commit with all that follows.

use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryEvent, DeliveryState, MessageRef};
use crate::error::Result;
use crate::id::{DeliveryId, ProviderName, TenantId};
use crate::preference::AddressHash;
use crate::provider::ProviderEvent;
use crate::queue::Effect;

/// Where a report looks for its delivery: in this order.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct Asked<'a> {
    /// The provider that reports.
    pub provider: &'a ProviderName,
    /// The delivery itself, where the vendor gave it back.
    pub delivery: Option<DeliveryId>,
    /// The vendor's id of the message.
    pub message_id: Option<&'a str>,
    /// Where a reader answered from: their last message by this provider is meant.
    pub address: Option<&'a AddressHash>,
}

/// By what a delivery was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FoundBy {
    /// The delivery's own id.
    Delivery,
    /// The vendor's id of the message.
    Message,
    /// The reader's address: it is the last message to it.
    Address,
}

/// The delivery that a report is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which.
    pub delivery: DeliveryId,
    /// By what.
    pub by: FoundBy,
    /// The messages of it that providers took, oldest first.
    pub messages: Vec<MessageRef>,
}

impl Found {
    /// This delivery, found by this, of which no message is known.
    #[must_use]
    pub const fn new(tenant: TenantId, delivery: DeliveryId, by: FoundBy) -> Self {
        Self {
            tenant,
            delivery,
            by,
            messages: Vec::new(),
        }
    }

    /// With these messages.
    #[must_use]
    pub fn with_messages(mut self, messages: Vec<MessageRef>) -> Self {
        self.messages = messages;
        self
    }
}

/// What a report changes: one entry of the timeline, and what follows from it.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an input that the front door builds"
)]
pub struct Feedback<'a> {
    /// Whose the delivery is.
    pub tenant: &'a TenantId,
    /// What is written to its timeline; names the delivery.
    pub event: &'a DeliveryEvent,
    /// How many entries the timeline had when this was decided.
    pub entries: usize,
    /// In which states the delivery may be at the commit.
    pub from: &'a [DeliveryState],
    /// Where it stands from then on; `None` where it stands.
    pub to: Option<DeliveryState>,
    /// When it was seen, if this says so; the earliest time counts.
    pub seen_at: Option<Timestamp>,
    /// The vendor's id of what a reader answered, where the delivery was found by their address: told once more, it finds the same
    /// delivery, whatever was sent to them since.
    pub answer: Option<&'a str>,
    /// What follows for others.
    pub effects: &'a [Effect],
    /// Which kept report this is: it is kept no longer.
    pub kept: Option<ReportKey>,
    /// Now.
    pub now: Timestamp,
}

/// What became of one [`Feedback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third answer")]
pub enum Applied {
    /// It is written.
    Applied,
    /// The delivery is not any more as it was when this was decided: decide again.
    Stale,
}

/// By what a kept report is told apart from others: a hash that holds nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportKey([u8; 32]);

impl ReportKey {
    /// The key with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, as stores keep them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ReportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportKey(..)")
    }
}

/// A report whose delivery is not known yet, or is being sent: kept until it can be applied. Holds no address, link or content.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KeptReport {
    /// What tells it apart.
    pub key: ReportKey,
    /// What the vendor reported, without address, link and what the vendor said word by word.
    pub event: ProviderEvent,
    /// Whose it is about.
    pub address: Option<AddressHash>,
    /// Since when it is kept.
    pub since: Timestamp,
}

impl KeptReport {
    /// A report to keep from now on.
    #[must_use]
    pub const fn new(
        key: ReportKey,
        event: ProviderEvent,
        address: Option<AddressHash>,
        since: Timestamp,
    ) -> Self {
        Self {
            key,
            event,
            address,
            since,
        }
    }

    /// For how long a report is kept whose delivery is not known: 24 h. By then vendors have given up repeating it, too.
    pub const FOR: Duration = Duration::from_secs(86_400);

    /// When it is looked at again, if it was looked at now in vain: after as long as it has been kept, at least a second. So a
    /// report that overtook its answer is matched at once, and one of somebody else's message costs 17 looks a day.
    #[must_use]
    pub fn next_look(since: Timestamp, now: Timestamp) -> Timestamp {
        now + now.since(since).max(Duration::from_secs(1))
    }
}

/// The kept reports that it is time to look at.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Kept {
    /// These, oldest first.
    pub due: Vec<KeptReport>,
    /// How many are kept in all.
    pub kept: u64,
    /// How many were forgotten now, since they were kept for [`KeptReport::FOR`].
    pub forgotten: u64,
}

impl Kept {
    /// These, of so many, after so many were forgotten.
    #[must_use]
    pub const fn new(due: Vec<KeptReport>, kept: u64, forgotten: u64) -> Self {
        Self {
            due,
            kept,
            forgotten,
        }
    }
}

/// Finds the deliveries that reports are about, and writes what the reports change.
///
/// The database is the queue's. A store compares and writes, and decides nothing: what a report means is decided by
/// [`planner::judge`](crate::planner::judge), from what was read before. Ids of vendors are no secrets: whoever calls it has
/// verified who reports.
///
/// # Contract
///
/// Find:
/// - `find` answers one entry for each question, in order: by the delivery's id, else by the provider and its id of the message, else
///   by the provider and the address; `None` if nothing is found. Deliveries of all tenants are found, and the answer names theirs.
/// - A message is found by what a settlement said was taken, as long as its delivery is there; of one provider is not of another.
/// - An id of a message that several deliveries share, such as one for a whole batch, finds none of them.
/// - By an address, the delivery accepted last is found, among those whose messages say that the provider passes answers on.
/// - Each answer comes with all messages of its delivery, oldest first, by all providers.
///
/// Apply:
/// - `apply` writes event, state, time of being seen and effects in one commit; each item by itself: one that is `Stale` changes
///   nothing, and fails no neighbour.
/// - An item is `Stale` if the timeline does not have as many entries as it says, if the delivery is in none of the states it
///   names, if there is no such delivery, or if it is another tenant's. Hence of two items for one state of things one is written.
/// - The event reads back from the timeline, in the order of its time.
/// - Moving a delivery that waits takes its job out of the queue: whoever has it is fenced. What a settlement erases is erased
///   when the delivery ends.
/// - Of several times at which a delivery was seen the earliest stays.
/// - By the id of an answer its delivery is found like by that of a message; it is none of the delivery's messages.
/// - Effects are carried out as those of a settlement are. The effect `SoftBounce` counts, and suppresses the address for anything
///   when its rule says so; `Arrived` forgives what was before it.
/// - What a delivery says of its last call (provider, message, fault) is not changed by reports.
///
/// Keep:
/// - `keep` stores reports; one whose key is kept already stays as it is. It answers how many are new.
/// - `look` gives the reports whose time has come, oldest first, at most `limit`, and puts each off until its
///   [`next_look`](KeptReport::next_look); the first time comes a second after it was kept.
/// - `look` forgets reports that were kept for [`KeptReport::FOR`], and says how many, and how many are left.
/// - `forget` removes reports, as `apply` does in its commit. What is not kept is none of its business.
#[async_trait]
pub trait FeedbackStore: fmt::Debug + Send + Sync + 'static {
    /// Finds the deliveries that reports are about.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn find(&self, asked: &[Asked<'_>]) -> Result<Vec<Option<Found>>>;

    /// Writes what reports change.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then nothing is written. After
    /// [`ErrorKind::Unknown`](crate::ErrorKind::Unknown) decide again: what was written is `Stale`, and known by its entry.
    async fn apply(&self, batch: &[Feedback<'_>]) -> Result<Vec<Applied>>;

    /// Keeps reports whose delivery is not known yet.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is kept.
    async fn keep(&self, reports: &[KeptReport]) -> Result<u64>;

    /// The kept reports that it is time to look at.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then none is put off.
    async fn look(&self, now: Timestamp, limit: u32) -> Result<Kept>;

    /// Keeps these no longer.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then all are kept.
    async fn forget(&self, keys: &[ReportKey]) -> Result<()>;
}

fn _object_safe(_: &dyn FeedbackStore) {}
