//! Where what gathers is kept until it leaves: the same database as the queue's.

use async_trait::async_trait;
use std::fmt;

use crate::clock::Timestamp;
use crate::digest::{BucketId, BucketKey};
use crate::error::Result;
use crate::id::{CategoryId, ChannelId, DeliveryId, RecipientId, TenantId};

/// What gathers for one person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bucket {
    /// Which.
    pub id: BucketId,
    /// What is gathered in it.
    pub key: BucketKey,
    /// For whom.
    pub recipient: RecipientId,
    /// Of which category.
    pub category: CategoryId,
    /// On which channel.
    pub channel: ChannelId,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Whether more is gathered in it.
    pub is_open: bool,
    /// The deliveries that wait in it, in the order in which they were stored.
    pub members: Vec<DeliveryId>,
}

impl Bucket {
    /// An open bucket without members.
    #[must_use]
    pub const fn new(
        id: BucketId,
        key: BucketKey,
        recipient: RecipientId,
        category: CategoryId,
        channel: ChannelId,
        opened_at: Timestamp,
    ) -> Self {
        Self {
            id,
            key,
            recipient,
            category,
            channel,
            opened_at,
            is_open: true,
            members: Vec::new(),
        }
    }
}

/// Buckets, and who waits in them. What joins and what leaves does so in the commits of the queue.
///
/// Membership is a row of its own for each delivery, and a bucket leaves by one fenced job: whatever process dies at whatever commit,
/// each event is in exactly one digest.
///
/// A database with several writers at a time locks the bucket's row in the commit that joins it and in the commit that lets it leave
/// (`SELECT … FOR UPDATE` in PostgreSQL): comparing alone would let a delivery join what another transaction is just closing.
///
/// # Contract
///
/// Join, in the commit of [`Queue::accept`](../queue/trait.Queue.html):
/// - A delivery with a `digest` that is decided `Digest` is held for `digest`, without a job of its own, and is a member of the open
///   bucket of its key; decided otherwise, it takes its own course and joins nothing.
/// - Where no bucket of its key and tenant is open, it opens one, under [`BucketId::opened_by`] itself, with one job `FlushDigest`
///   that is due when its `digest` says, in the lane of other jobs at the notification's priority. What comes later changes neither
///   time nor lane.
/// - Of each key and tenant at most one bucket is open, however many join at the same time.
/// - A bucket that got as many members as the `digest` of the last allows takes no more, and its job is due now; whoever had it is
///   fenced.
/// - The premise `Bucket` holds if a bucket of the key is open, or none is, as it says; also among the items of one batch.
/// - A duplicate, and whatever else is not stored, joins nothing.
///
/// Leave, in the commit of an acceptance with a `flush`:
/// - Members that are merged become `Merged`, and name the acceptance's first delivery; those that are released are queued, due now,
///   for anyone; those that ended are `Expired`, or `Suppressed`, with their reason. Each has its entry in the timeline, and what a
///   settlement erases at the end of a delivery is erased. The bucket is gone.
/// - If those that the `flush` names are not exactly the members that still wait, the item is `Stale` with the premise `Bucket`, and
///   nothing changes. So it is if the bucket is gone.
/// - A member that was cancelled waits no more.
///
/// Read and hasten:
/// - `are_open` answers for each key in order. `bucket` and `buckets_of` give what is open or about to leave, with the members that
///   wait, in the order in which they were stored; `buckets_of` gives the oldest first. Other tenants' are not there.
/// - `seal` lets a bucket take no more members, and changes nothing else; answers whether it was open.
/// - `flush` seals buckets and makes their jobs due now; `recheck` only makes them due. Whoever has such a job is fenced, and one that
///   killed its owners is tried again. Both answer for how many that is so; what is not there, or another tenant's, is left out.
#[async_trait]
pub trait DigestStore: fmt::Debug + Send + Sync + 'static {
    /// Whether there is an open bucket of each of these keys.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn are_open(&self, tenant: &TenantId, keys: &[BucketKey]) -> Result<Vec<bool>>;

    /// One bucket, with who waits in it.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn bucket(&self, tenant: &TenantId, id: BucketId) -> Result<Option<Bucket>>;

    /// Everything that gathers for one person.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed.
    async fn buckets_of(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<Vec<Bucket>>;

    /// Lets a bucket take no more members; answers whether it was open.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then it is as it was.
    async fn seal(&self, tenant: &TenantId, id: BucketId) -> Result<bool>;

    /// Lets buckets take no more members and leave now; answers how many those are.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then all are as they were.
    async fn flush(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64>;

    /// Lets it be decided again now whether buckets leave; answers how many those are.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then all are as they were.
    async fn recheck(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64>;
}

fn _object_safe(_: &dyn DigestStore) {}
