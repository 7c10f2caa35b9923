//! One accepted notification: everything that is committed together.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::{Decision, DeliveryState, Reason, Trace};
use crate::digest::{BucketId, BucketKey};
use crate::id::{
    CategoryId, ChannelId, DeliveryId, NotificationId, OwnerId, RecipientId, TenantId,
};
use crate::notification::{Class, NotificationRequest, Priority, RequestHash, When};
use crate::queue::{Job, Lease, Premise};
use crate::recipient::Recipient;

/// A keyed hash of an idempotency key: keys of applications often hold personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash with these bytes.
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

/// One notification to store, with all its deliveries. Built by the orchestrator.
#[derive(Debug)]
#[non_exhaustive]
pub struct Acceptance {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: NotificationId,
    /// What the caller asked for.
    pub request: Arc<NotificationRequest>,
    /// The same as JSON, which stores keep as it is.
    pub body: Arc<str>,
    /// The caller's key, if there is one.
    pub key: Option<KeyHash>,
    /// What the key stands for.
    pub request_hash: RequestHash,
    /// What the category is in law.
    pub class: Class,
    /// Its lane.
    pub priority: Priority,
    /// Now.
    pub accepted_at: Timestamp,
    /// From when on it is not worth sending.
    pub expires_at: Option<Timestamp>,
    /// One for each recipient and step.
    pub deliveries: Vec<NewDelivery>,
    /// Further work, such as the flush of a digest.
    pub jobs: Vec<NewJob>,
    /// What must be true at the commit.
    pub premises: Vec<Premise>,
    /// The job that made this, which moves on in the same commit.
    pub advance: Option<Advance>,
    /// The digest that leaves with this.
    pub flush: Option<Flush>,
}

impl Acceptance {
    /// A notification without deliveries.
    #[must_use]
    pub fn new(
        tenant: TenantId,
        id: NotificationId,
        request: Arc<NotificationRequest>,
        body: impl Into<Arc<str>>,
        request_hash: RequestHash,
        accepted_at: Timestamp,
    ) -> Self {
        Self {
            tenant,
            id,
            request,
            body: body.into(),
            key: None,
            request_hash,
            class: Class::Transactional,
            priority: Priority::Normal,
            accepted_at,
            expires_at: None,
            deliveries: Vec::new(),
            jobs: Vec::new(),
            premises: Vec::new(),
            advance: None,
            flush: None,
        }
    }
}

/// One delivery to store.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// Who is told.
    pub recipient: RecipientId,
    /// The recipient as given in the call; erased when the delivery ends.
    pub pinned: Option<Arc<Recipient>>,
    /// Where.
    pub channel: ChannelId,
    /// Which step of the route.
    pub step: u8,
    /// The delivery it waits for, and on what condition.
    pub after: Option<(DeliveryId, When)>,
    /// What is to become of it.
    pub decision: Decision,
    /// How that was decided.
    pub trace: Trace,
    /// When it may go.
    pub due: Timestamp,
    /// Lends it to this process in the same commit.
    pub handoff: Option<Handoff>,
    /// What it gathers with, or begins: see [`DigestStore`](crate::digest::DigestStore).
    pub digest: Option<Joining>,
}

impl NewDelivery {
    /// A delivery that is sent as soon as a worker is free.
    #[must_use]
    pub fn new(id: DeliveryId, recipient: RecipientId, channel: ChannelId, due: Timestamp) -> Self {
        Self {
            id,
            recipient,
            pinned: None,
            channel,
            step: 0,
            after: None,
            decision: Decision::Send,
            trace: Trace::default(),
            due,
            handoff: None,
            digest: None,
        }
    }
}

/// The bucket that a delivery joins, and what it is like if the delivery opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Joining {
    /// What is gathered in it.
    pub key: BucketKey,
    /// Of which category.
    pub category: CategoryId,
    /// When it leaves.
    pub due: Timestamp,
    /// With how many members it is full: at least 1.
    pub max_items: u32,
}

impl Joining {
    /// A bucket that leaves at `due`, or when it has so many members.
    #[must_use]
    pub const fn new(key: BucketKey, category: CategoryId, due: Timestamp, max_items: u32) -> Self {
        Self {
            key,
            category,
            due,
            max_items,
        }
    }
}

/// What becomes of a bucket and of its members, each of which is named once.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Flush {
    /// Which bucket.
    pub bucket: BucketId,
    /// What was gathered in it.
    pub key: BucketKey,
    /// These leave in the first delivery of the acceptance.
    pub merged: Vec<DeliveryId>,
    /// These go by themselves.
    pub released: Vec<DeliveryId>,
    /// These are not to be sent: [`Reason::Expired`] ends as `Expired`, everything else as `Suppressed`.
    pub ended: Vec<(DeliveryId, Reason)>,
}

impl Flush {
    /// An empty bucket is gone.
    #[must_use]
    pub const fn new(bucket: BucketId, key: BucketKey) -> Self {
        Self {
            bucket,
            key,
            merged: Vec::new(),
            released: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// Every delivery that is named.
    pub fn members(&self) -> impl Iterator<Item = DeliveryId> {
        let ended = self.ended.iter().map(|(id, _)| id);
        let all = self.merged.iter().chain(&self.released).chain(ended);
        all.copied()
    }

    /// Where a member that is not to be sent for this reason ends.
    #[must_use]
    pub const fn end_of(reason: Reason) -> DeliveryState {
        match reason {
            Reason::Expired => DeliveryState::Expired,
            _ => DeliveryState::Suppressed,
        }
    }
}

/// Lends a delivery to this process in the commit that stores it: no claim, no wake-up.
///
/// The store calls it after the commit, in the task that committed, so that a caller's dropped future loses nothing.
pub struct Handoff {
    /// To whom.
    pub owner: OwnerId,
    /// For how long, from the commit.
    pub ttl: Duration,
    take: Box<dyn FnOnce(Lease) + Send + Sync>,
}

impl Handoff {
    /// A handoff that calls `take` with the lease. `take` must not block.
    pub fn new(
        owner: OwnerId,
        ttl: Duration,
        take: impl FnOnce(Lease) + Send + Sync + 'static,
    ) -> Self {
        Self {
            owner,
            ttl,
            take: Box::new(take),
        }
    }

    /// Hands the lease over: after the commit.
    pub fn deliver(self, lease: Lease) {
        (self.take)(lease);
    }
}

impl fmt::Debug for Handoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handoff")
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

/// One more job to store. A job with the same id that is there already stays as it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewJob {
    /// Which.
    pub job: Job,
    /// When it may run.
    pub due: Timestamp,
    /// What it needs to know, in its own form.
    pub payload: Vec<u8>,
}

impl NewJob {
    /// The channel of the lane in which jobs other than deliveries wait, at their notification's priority.
    pub const CHANNEL: ChannelId = ChannelId::new("jobs");

    /// A job.
    #[must_use]
    pub const fn new(job: Job, due: Timestamp, payload: Vec<u8>) -> Self {
        Self { job, due, payload }
    }
}

/// Moves a claimed job on in the commit of what it made: exactly-once fan-out, occurrences and flushes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Advance {
    /// Which job.
    pub job: Job,
    /// The epoch of its lease.
    pub epoch: u32,
    /// What becomes of it.
    pub next: Next,
}

impl Advance {
    /// Moves `job` on.
    #[must_use]
    pub const fn new(job: Job, epoch: u32, next: Next) -> Self {
        Self { job, epoch, next }
    }
}

/// What becomes of a job that made something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It is done.
    Done,
    /// It goes on.
    Again {
        /// When.
        due: Timestamp,
        /// From where.
        cursor: Vec<u8>,
    },
}

/// What became of one [`Acceptance`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Accepted {
    /// It is stored.
    New,
    /// The key was used for the same request before; this is what it made.
    Duplicate(NotificationId),
    /// The key was used for another request.
    Conflict,
    /// This is not true any more: plan again.
    Stale(Premise),
    /// The job that made it is no longer held.
    Fenced,
}
