//! A job on loan: fenced by its epoch.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

use crate::clock::Monotonic;
use crate::delivery::Frozen;
use crate::id::{ChannelId, DeliveryId, TenantId};
use crate::notification::Priority;

/// What kind of work a job is. Unknown kinds are kept for a newer version, never dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum JobKind {
    /// Send one delivery.
    Deliver,
    /// Let what was collected leave as one digest.
    FlushDigest,
    /// Make the next deliveries of a fan-out.
    Expand,
    /// Make the next occurrence of a schedule.
    Tick,
    /// Anything else, by the number that stores keep.
    Other(u8),
}

impl JobKind {
    /// The number that stores keep.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Deliver => 1,
            Self::FlushDigest => 2,
            Self::Expand => 3,
            Self::Tick => 4,
            Self::Other(code) => code,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Deliver,
            2 => Self::FlushDigest,
            3 => Self::Expand,
            4 => Self::Tick,
            other => Self::Other(other),
        }
    }
}

/// One job: a kind, and the id of its subject. To store the same job twice is to store it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// What kind of work.
    pub kind: JobKind,
    /// On what: the bits of a delivery's id, for [`JobKind::Deliver`].
    pub subject: u128,
}

impl Job {
    /// The job that sends a delivery.
    #[must_use]
    pub const fn deliver(id: DeliveryId) -> Self {
        Self {
            kind: JobKind::Deliver,
            subject: id.as_u128(),
        }
    }

    /// A job of any kind.
    #[must_use]
    pub const fn new(kind: JobKind, subject: u128) -> Self {
        Self { kind, subject }
    }

    /// The delivery it sends.
    #[must_use]
    pub fn delivery(&self) -> Option<DeliveryId> {
        (self.kind == JobKind::Deliver).then(|| DeliveryId::from_u128(self.subject))
    }
}

/// A loan of a job. Not `Clone`: every later write names its epoch, and whoever holds a newer one wins.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lease {
    /// Whose job it is.
    pub tenant: TenantId,
    /// Which job.
    pub job: Job,
    /// Its lane.
    pub priority: Priority,
    /// Its lane.
    pub channel: ChannelId,
    /// The fencing token.
    pub epoch: u32,
    /// Until when it holds, by this process's clock, measured from before the claim was asked.
    pub until: Monotonic,
    /// How many calls of providers were begun for it.
    pub sends: u32,
    /// How many owners died holding it.
    pub crashes: u32,
    /// Its last owner died while a provider was being called: nobody knows whether it went out.
    pub interrupted: bool,
    /// What an earlier call fixed.
    pub frozen: Option<Arc<Frozen>>,
    /// What the job needs to know, for jobs other than deliveries.
    pub payload: Vec<u8>,
}

impl Lease {
    /// A loan of a job nothing was done for yet.
    #[must_use]
    pub const fn new(
        tenant: TenantId,
        job: Job,
        priority: Priority,
        channel: ChannelId,
        epoch: u32,
        until: Monotonic,
    ) -> Self {
        Self {
            tenant,
            job,
            priority,
            channel,
            epoch,
            until,
            sends: 0,
            crashes: 0,
            interrupted: false,
            frozen: None,
            payload: Vec::new(),
        }
    }
}
