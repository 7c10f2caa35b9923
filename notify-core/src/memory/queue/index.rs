//! The orders in which jobs are looked for: by lane and due time, by owner, by the end of the loan.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Bound;

use crate::clock::Timestamp;
use crate::id::{OwnerId, TenantId};
use crate::memory::queue::jobs::{Hold, JobRow, Lane};
use crate::queue::{Job, JobKind, LaneDepth};

/// Tenants share a lane by shards, so that a long line of one does not stop the others.
const SHARDS: u64 = 64;

/// Greater than every job, in the order of jobs.
const LAST_JOB: Job = Job::new(JobKind::Other(u8::MAX), u128::MAX);

/// The orders in which jobs are looked for.
#[derive(Default)]
pub(super) struct Index {
    lanes: BTreeMap<Lane, Line>,
    owners: BTreeSet<(OwnerId, Job)>,
    ends: BTreeSet<(Timestamp, Job)>,
    /// Whether a job became ready since this was last asked.
    pub(super) stirred: bool,
}

/// One lane.
#[derive(Default)]
struct Line {
    ready: BTreeMap<u64, Shard>,
    /// The shard whose turn it is.
    turn: u64,
    in_flight: u64,
    poison: u64,
}

/// The jobs of one shard that are ready, by their due time, and how many of them were due at `as_of`.
struct Shard {
    jobs: BTreeSet<(Timestamp, Job)>,
    due: u64,
    as_of: Timestamp,
}

impl Default for Shard {
    fn default() -> Self {
        let as_of = Timestamp::from_micros(i64::MIN);
        Self {
            jobs: BTreeSet::new(),
            due: 0,
            as_of,
        }
    }
}

impl Shard {
    fn insert(&mut self, due: Timestamp, job: Job) {
        self.jobs.insert((due, job));
        self.due += u64::from(due <= self.as_of);
    }

    fn remove(&mut self, due: Timestamp, job: Job) {
        self.jobs.remove(&(due, job));
        self.due -= u64::from(due <= self.as_of);
    }

    /// How many are due. Looks only at those that became due since it was last asked.
    fn count_due(&mut self, now: Timestamp) -> u64 {
        let (from, to) = (self.as_of.min(now), self.as_of.max(now));
        let between = (
            Bound::Excluded((from, LAST_JOB)),
            Bound::Included((to, LAST_JOB)),
        );
        let between = self.jobs.range(between).count() as u64;
        if now < self.as_of {
            self.due -= between;
        } else {
            self.due += between;
        }
        self.as_of = now;
        self.due
    }
}

impl Index {
    pub(super) fn add(&mut self, job: Job, row: &JobRow) {
        let line = self.lanes.entry(row.lane.clone()).or_default();
        match row.hold {
            Hold::Ready => {
                let shard = line.ready.entry(shard(&row.tenant)).or_default();
                shard.insert(row.due, job);
                self.stirred = true;
            }
            Hold::Leased(loan) | Hold::Sending(loan) => {
                line.in_flight += 1;
                self.owners.insert((loan.owner, job));
                self.ends.insert((loan.until, job));
            }
            // A delivery ends for it; what stays is another job.
            Hold::Poisoned => line.poison += 1,
        }
    }

    pub(super) fn remove(&mut self, job: Job, row: &JobRow) {
        let Some(line) = self.lanes.get_mut(&row.lane) else {
            return;
        };
        match row.hold {
            Hold::Ready => {
                let number = shard(&row.tenant);
                if let Some(shard) = line.ready.get_mut(&number) {
                    shard.remove(row.due, job);
                    if shard.jobs.is_empty() {
                        line.ready.remove(&number);
                    }
                }
            }
            Hold::Leased(loan) | Hold::Sending(loan) => {
                line.in_flight -= 1;
                self.owners.remove(&(loan.owner, job));
                self.ends.remove(&(loan.until, job));
            }
            Hold::Poisoned => line.poison -= 1,
        }
    }
}

impl Index {
    /// The first jobs of a lane that are due, at most `limit`.
    pub(super) fn due(&mut self, lane: &Lane, limit: u32, now: Timestamp) -> Vec<Job> {
        let line = self.lanes.get_mut(lane);
        line.map_or_else(Vec::new, |line| line.due(limit as usize, now))
    }

    /// The jobs that one owner has.
    pub(super) fn owned(&self, owner: OwnerId) -> Vec<Job> {
        let first = Job::new(JobKind::Deliver, 0);
        let held = self.owners.range((owner, first)..=(owner, LAST_JOB));
        held.map(|(_, job)| *job).collect()
    }

    /// The jobs whose loan ended before `now`.
    pub(super) fn overdue(&self, now: Timestamp) -> Vec<Job> {
        let ended = self.ends.iter().take_while(|(until, _)| *until < now);
        ended.map(|(_, job)| *job).collect()
    }

    /// How much there is in each lane that is not empty.
    pub(super) fn depth(&mut self, now: Timestamp) -> Vec<LaneDepth> {
        let lanes = self.lanes.iter_mut();
        lanes
            .map(|(lane, line)| line.depth(lane, now))
            .filter(|depth| !depth.is_empty())
            .collect()
    }
}

impl Line {
    /// The first jobs that are due, a shard's turn after the other.
    fn due(&mut self, limit: usize, now: Timestamp) -> Vec<Job> {
        let (before, from) = (self.ready.range(..self.turn), self.ready.range(self.turn..));
        let mut shards: Vec<_> = from
            .chain(before)
            .map(|(no, shard)| (*no, shard.jobs.iter()))
            .collect();
        let mut found = Vec::new();
        while found.len() < limit && !shards.is_empty() {
            shards.retain_mut(|(number, jobs)| {
                if found.len() == limit {
                    return true;
                }
                let next = jobs.next().filter(|(due, _)| *due <= now);
                if let Some((_, job)) = next {
                    found.push(*job);
                    self.turn = *number + 1;
                }
                next.is_some()
            });
        }
        found
    }

    fn depth(&mut self, lane: &Lane, now: Timestamp) -> LaneDepth {
        let mut depth = LaneDepth::new(lane.0.0, lane.1.clone());
        for shard in self.ready.values_mut() {
            let ready = shard.count_due(now);
            depth.ready += ready;
            depth.waiting += shard.jobs.len() as u64 - ready;
            let first = shard.jobs.first().map(|(due, _)| *due);
            let oldest = first.filter(|due| *due <= now);
            depth.oldest_due = match (depth.oldest_due, oldest) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        (depth.in_flight, depth.poison) = (self.in_flight, self.poison);
        depth
    }
}

fn shard(tenant: &TenantId) -> u64 {
    let mut hasher = DefaultHasher::new();
    tenant.hash(&mut hasher);
    hasher.finish() % SHARDS
}
