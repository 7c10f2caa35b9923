//! What is under way in this worker: so that long work keeps its lease.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Monotonic;
use crate::queue::Job;

/// The jobs on loan here, with their epochs and the ends of their leases.
#[derive(Debug, Default)]
pub(crate) struct Inflight(Mutex<HashMap<Job, (u32, Monotonic)>>);

impl Inflight {
    fn lock(&self) -> MutexGuard<'_, HashMap<Job, (u32, Monotonic)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add(&self, jobs: impl Iterator<Item = (Job, u32, Monotonic)>) {
        self.lock()
            .extend(jobs.map(|(job, epoch, until)| (job, (epoch, until))));
    }

    pub(crate) fn remove(&self, job: Job) {
        self.lock().remove(&job);
    }

    /// Those whose lease ends before `soon`.
    pub(crate) fn ending(&self, soon: Monotonic) -> Vec<(Job, u32)> {
        self.lock()
            .iter()
            .filter(|(_, (_, until))| *until < soon)
            .map(|(job, (epoch, _))| (*job, *epoch))
            .collect()
    }

    /// Their leases now end then.
    pub(crate) fn prolonged(&self, jobs: &[(Job, u32)], until: Monotonic) {
        let mut inflight = self.lock();
        for (job, _) in jobs {
            if let Some(entry) = inflight.get_mut(job) {
                entry.1 = until;
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}
