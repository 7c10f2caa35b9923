//! Loans: lent, prolonged, given back, and taken back from the dead.

use std::cmp::Reverse;

use crate::clock::Timestamp;
use crate::delivery::{DeliveryState, EventKind, Reason};
use crate::id::OwnerId;
use crate::memory::queue::Tables;
use crate::memory::queue::jobs::{Hold, Loan};
use crate::queue::{Claim, Job, Lease, Release, Settled};

/// How many owners a job may kill.
const CRASHES: u32 = 3;

impl Tables {
    pub(super) fn claim(&mut self, claim: &Claim) -> Vec<Lease> {
        let loan = Loan {
            owner: claim.owner,
            until: claim.now + claim.ttl,
        };
        let until = claim.asked_at + claim.ttl;
        let mut leases = Vec::new();
        for asked in &claim.lanes {
            let lane = (Reverse(asked.priority), asked.channel.clone());
            for job in self.jobs.index().due(&lane, asked.limit, claim.now) {
                self.jobs.update(&job, |row| {
                    row.epoch += 1;
                    row.hold = Hold::Leased(loan);
                    leases.push(row.lease(job, until));
                });
            }
        }
        leases
    }

    /// Gives a job back that was not begun.
    pub(super) fn release(&mut self, release: &Release<'_>) -> Settled {
        let Release { lease, due } = *release;
        match self
            .jobs
            .get(&lease.job)
            .filter(|row| row.epoch == lease.epoch)
            .map(|row| row.hold)
        {
            Some(Hold::Leased(_)) => {
                self.jobs.update(&lease.job, |row| row.ready_at(due));
                Settled::Applied
            }
            // Nobody had it since: this was asked before.
            Some(Hold::Ready) => Settled::Applied,
            Some(Hold::Sending(_) | Hold::Poisoned) | None => Settled::Fenced,
        }
    }

    /// Prolongs loans, and answers with those that are lost.
    pub(super) fn extend(
        &mut self,
        owner: OwnerId,
        leases: &[(Job, u32)],
        until: Timestamp,
    ) -> Vec<Job> {
        let mut lost = Vec::new();
        for (job, epoch) in leases {
            let row = self.jobs.get(job).filter(|row| row.epoch == *epoch);
            let loan = row.and_then(|row| row.hold.loan());
            if loan.is_none_or(|loan| loan.owner != owner) {
                lost.push(*job);
                continue;
            }
            self.jobs.update(job, |row| {
                if let Some(loan) = row.hold.loan_mut() {
                    loan.until = until;
                }
            });
        }
        lost
    }

    /// Takes loans back from owners that are dead or late.
    pub(super) fn reclaim(&mut self, dead_owners: &[OwnerId], now: Timestamp) -> u64 {
        let mut taken = self.jobs.index().overdue(now);
        for owner in dead_owners {
            taken.extend(self.jobs.index().owned(*owner));
        }
        taken.sort_unstable();
        taken.dedup();
        for job in &taken {
            self.take_back(*job, now);
        }
        taken.len() as u64
    }

    fn take_back(&mut self, job: Job, now: Timestamp) {
        let mut is_poison = false;
        self.jobs.update(&job, |row| {
            // Of what was lent, most only waited while something else ended the process.
            row.crashes += u32::from(row.is_sending() || job.delivery().is_none());
            row.interrupted |= row.is_sending();
            row.epoch += 1;
            is_poison = row.crashes >= CRASHES;
            row.hold = if is_poison {
                Hold::Poisoned
            } else {
                Hold::Ready
            };
        });
        let Some(id) = job.delivery() else {
            return;
        };
        let (kind, reason) = if is_poison {
            self.end_job(id);
            self.move_to(id, DeliveryState::Dead, Some(Reason::Poison), now);
            (EventKind::Dead, Some(Reason::Poison))
        } else {
            (EventKind::Reclaimed, None)
        };
        if let Some(row) = self.rows.get_mut(&id) {
            row.event(kind, reason, now);
        }
    }
}
