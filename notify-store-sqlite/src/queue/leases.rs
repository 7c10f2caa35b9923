//! What is lent, in memory: whose number a job has, without asking the database, and which loans have ended.
//!
//! The database decides; this says what it will most likely say. It is changed after each commit, and read anew from the database
//! after a commit whose outcome is not known.

use notify_core::Timestamp;
use notify_core::id::OwnerId;
use notify_core::queue::Job;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One loan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loan {
    /// The number of the delivery or job.
    pub(crate) no: i64,
    pub(crate) epoch: u32,
    pub(crate) owner: OwnerId,
    pub(crate) until: Timestamp,
    /// The number of its lane.
    pub(crate) lane: i64,
    /// Whether a provider is being called.
    pub(crate) is_sending: bool,
}

/// Every loan.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    loans: HashMap<Job, Loan>,
    lanes: BTreeMap<i64, u64>,
    /// Owners by number; see [`Leases::owner_no`].
    owners: HashMap<OwnerId, i64>,
}

impl Held {
    fn remove(&mut self, job: &Job) {
        if let Some(loan) = self.loans.remove(job)
            && let Some(count) = self.lanes.get_mut(&loan.lane)
        {
            *count = count.saturating_sub(1);
        }
    }
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The loan of this job, if it has this epoch.
    pub(crate) fn find(&self, job: Job, epoch: u32) -> Option<Loan> {
        self.lock()
            .loans
            .get(&job)
            .copied()
            .filter(|loan| loan.epoch == epoch)
    }

    /// Adds loans that were committed.
    pub(crate) fn add(&self, loans: impl IntoIterator<Item = (Job, Loan)>) {
        let mut held = self.lock();
        for (job, loan) in loans {
            held.remove(&job);
            *held.lanes.entry(loan.lane).or_default() += 1;
            held.loans.insert(job, loan);
        }
    }

    /// Notes that providers are being called.
    pub(crate) fn sending(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut held = self.lock();
        for job in jobs {
            if let Some(loan) = held.loans.get_mut(&job) {
                loan.is_sending = true;
            }
        }
    }

    /// Prolongs loans.
    pub(crate) fn prolong(&self, jobs: impl IntoIterator<Item = Job>, until: Timestamp) {
        let mut held = self.lock();
        for job in jobs {
            if let Some(loan) = held.loans.get_mut(&job) {
                loan.until = until;
            }
        }
    }

    /// Removes loans that ended.
    pub(crate) fn remove(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut held = self.lock();
        jobs.into_iter().for_each(|job| held.remove(&job));
    }

    /// The loans of these owners, and those that ended before `now`.
    pub(crate) fn lost(&self, owners: &[OwnerId], now: Timestamp) -> Vec<(Job, Loan)> {
        let held = self.lock();
        let lost = held.loans.iter();
        let lost = lost.filter(|(_, loan)| loan.until < now || owners.contains(&loan.owner));
        let mut lost: Vec<_> = lost.map(|(job, loan)| (*job, *loan)).collect();
        lost.sort_unstable_by_key(|(_, loan)| loan.no);
        lost
    }

    /// How many are lent of each lane, by its number.
    pub(crate) fn by_lane(&self) -> BTreeMap<i64, u64> {
        self.lock().lanes.clone()
    }

    /// The number of an owner, for as long as the store is open: at the next open nobody has anything.
    pub(crate) fn owner_no(&self, owner: OwnerId) -> i64 {
        let mut held = self.lock();
        let next = i64::try_from(held.owners.len()).unwrap_or(i64::MAX);
        *held.owners.entry(owner).or_insert(next)
    }

    /// The owner with this number.
    pub(crate) fn owner(&self, no: i64) -> Option<OwnerId> {
        self.lock()
            .owners
            .iter()
            .find(|(_, number)| **number == no)
            .map(|(owner, _)| *owner)
    }

    /// Replaces everything by what the database says.
    pub(crate) fn replace(&self, loans: impl IntoIterator<Item = (Job, Loan)>) {
        {
            let mut held = self.lock();
            held.loans.clear();
            held.lanes.clear();
        }
        self.add(loans);
    }
}
