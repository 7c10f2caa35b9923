//! The jobs.
//!
//! Every change of a row goes through [`Jobs::update`], so that the index cannot differ from the rows.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::Frozen;
use crate::id::{ChannelId, OwnerId, TenantId};
use crate::memory::queue::index::Index;
use crate::notification::Priority;
use crate::queue::{Job, Lease};

/// Where a job waits: the most urgent first.
pub(super) type Lane = (Reverse<Priority>, ChannelId);

/// Who has a job, and until when by the store's clock.
#[derive(Clone, Copy)]
pub(super) struct Loan {
    pub(super) owner: OwnerId,
    pub(super) until: Timestamp,
}

/// Where a job stands.
#[derive(Clone, Copy)]
pub(super) enum Hold {
    /// Waits for its time and for a worker.
    Ready,
    /// A worker has it.
    Leased(Loan),
    /// A worker has it and calls a provider.
    Sending(Loan),
    /// It killed its owners, and is not lent again.
    Poisoned,
}

impl Hold {
    pub(super) const fn loan(&self) -> Option<&Loan> {
        match self {
            Self::Leased(loan) | Self::Sending(loan) => Some(loan),
            Self::Ready | Self::Poisoned => None,
        }
    }

    pub(super) const fn loan_mut(&mut self) -> Option<&mut Loan> {
        match self {
            Self::Leased(loan) | Self::Sending(loan) => Some(loan),
            Self::Ready | Self::Poisoned => None,
        }
    }
}

/// One job.
pub(super) struct JobRow {
    pub(super) tenant: TenantId,
    pub(super) lane: Lane,
    pub(super) due: Timestamp,
    pub(super) epoch: u32,
    pub(super) hold: Hold,
    pub(super) sends: u32,
    pub(super) crashes: u32,
    pub(super) interrupted: bool,
    pub(super) frozen: Option<Arc<Frozen>>,
    pub(super) payload: Vec<u8>,
    /// The epoch of its last settlement; 0 is none.
    pub(super) settled: u32,
}

impl JobRow {
    /// A job that was never lent.
    pub(super) const fn new(tenant: TenantId, lane: Lane, due: Timestamp) -> Self {
        Self {
            tenant,
            lane,
            due,
            epoch: 0,
            hold: Hold::Ready,
            sends: 0,
            crashes: 0,
            interrupted: false,
            frozen: None,
            payload: Vec::new(),
            settled: 0,
        }
    }

    /// Whether a provider is being called.
    pub(super) const fn is_sending(&self) -> bool {
        matches!(self.hold, Hold::Sending(_))
    }

    /// What its holder is told.
    pub(super) fn lease(&self, job: Job, until: Monotonic) -> Lease {
        let (Reverse(priority), channel) = self.lane.clone();
        let mut lease = Lease::new(
            self.tenant.clone(),
            job,
            priority,
            channel,
            self.epoch,
            until,
        );
        lease.sends = self.sends;
        lease.crashes = self.crashes;
        lease.interrupted = self.interrupted;
        lease.frozen.clone_from(&self.frozen);
        lease.payload.clone_from(&self.payload);
        lease
    }

    /// Gives it back to everyone.
    pub(super) const fn ready_at(&mut self, due: Timestamp) {
        self.due = due;
        self.hold = Hold::Ready;
    }
}

/// Every job with its indexes.
#[derive(Default)]
pub(super) struct Jobs {
    rows: HashMap<Job, JobRow>,
    index: Index,
}

impl Jobs {
    pub(super) fn get(&self, job: &Job) -> Option<&JobRow> {
        self.rows.get(job)
    }

    /// All of them.
    pub(super) fn rows(&self) -> impl Iterator<Item = &JobRow> {
        self.rows.values()
    }

    /// Adds a job; one with the same id stays as it is.
    pub(super) fn insert(&mut self, job: Job, row: JobRow) {
        if !self.rows.contains_key(&job) {
            self.index.add(job, &row);
            self.rows.insert(job, row);
        }
    }

    /// Changes a job, and its place in every index.
    pub(super) fn update(&mut self, job: &Job, change: impl FnOnce(&mut JobRow)) {
        if let Some(row) = self.rows.get_mut(job) {
            self.index.remove(*job, row);
            change(row);
            self.index.add(*job, row);
        }
    }

    pub(super) fn remove(&mut self, job: &Job) -> Option<JobRow> {
        let row = self.rows.remove(job)?;
        self.index.remove(*job, &row);
        Some(row)
    }

    /// The orders in which jobs are looked for.
    pub(super) const fn index(&mut self) -> &mut Index {
        &mut self.index
    }

    /// Whether a job became ready since this was last asked.
    pub(super) fn take_stirred(&mut self) -> bool {
        std::mem::take(&mut self.index.stirred)
    }
}
