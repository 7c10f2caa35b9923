//! What is under way in this worker: so that long work keeps its lease, and what was dropped does not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Monotonic;
use crate::queue::{Job, Lease};

/// The jobs on loan here, with their epochs and the ends of their leases.
#[derive(Debug, Default)]
pub(crate) struct Inflight(Mutex<HashMap<Job, (u32, Monotonic)>>);

/// A job's place among those on loan, for as long as somebody here works on it.
///
/// Whatever becomes of the work (written, given back, lost, taken along by a panic), its lease is prolonged no more.
#[derive(Debug)]
pub(crate) struct Held {
    inflight: Arc<Inflight>,
    job: Job,
    epoch: u32,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.inflight.forget(self.job, self.epoch);
    }
}

impl Inflight {
    fn lock(&self) -> MutexGuard<'_, HashMap<Job, (u32, Monotonic)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a loan, until what this answers with is dropped.
    pub(crate) fn hold(self: &Arc<Self>, lease: &Lease) -> Held {
        self.lock().insert(lease.job, (lease.epoch, lease.until));
        Held {
            inflight: Arc::clone(self),
            job: lease.job,
            epoch: lease.epoch,
        }
    }

    /// Forgets one loan, and no newer one of the same job.
    fn forget(&self, job: Job, epoch: u32) {
        let mut inflight = self.lock();
        if inflight.get(&job).is_some_and(|(held, _)| *held == epoch) {
            inflight.remove(&job);
        }
    }

    /// Those whose lease ends before `soon`.
    pub(crate) fn ending(&self, soon: Monotonic) -> Vec<(Job, u32)> {
        self.lock()
            .iter()
            .filter(|(_, (_, until))| *until < soon)
            .map(|(job, (epoch, _))| (*job, *epoch))
            .collect()
    }

    /// Their leases now end then, but for those that are lost.
    pub(crate) fn prolonged(&self, jobs: &[(Job, u32)], lost: &[Job], until: Monotonic) {
        let mut inflight = self.lock();
        for (job, epoch) in jobs {
            if let Some(entry) = inflight.get_mut(job).filter(|entry| entry.0 == *epoch) {
                entry.1 = until;
            }
        }
        for (job, epoch) in jobs.iter().filter(|(job, _)| lost.contains(job)) {
            if inflight.get(job).is_some_and(|(held, _)| held == epoch) {
                inflight.remove(job);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ChannelId, DeliveryId, TenantId};
    use crate::notification::Priority;
    use std::time::Duration;

    fn lease(epoch: u32) -> Lease {
        let job = Job::deliver(DeliveryId::from_u128(1));
        let (tenant, until) = (TenantId::default(), Monotonic::default());
        Lease::new(tenant, job, Priority::High, ChannelId::EMAIL, epoch, until)
    }

    #[test]
    fn what_is_dropped_is_prolonged_no_more_and_a_newer_loan_stays() {
        let inflight = Arc::new(Inflight::default());
        let (old, new) = (inflight.hold(&lease(1)), inflight.hold(&lease(2)));
        drop(old);
        let soon = Monotonic::from_start(Duration::from_secs(1));
        assert_eq!(inflight.ending(soon), [(lease(2).job, 2)]);
        inflight.prolonged(&[(lease(2).job, 2)], &[], soon);
        assert!(inflight.ending(soon).is_empty());
        drop(new);
        assert_eq!(inflight.len(), 0);
    }

    #[test]
    fn what_is_lost_is_forgotten_unless_it_was_lent_anew() {
        let inflight = Arc::new(Inflight::default());
        let _new = inflight.hold(&lease(2));
        let (job, until) = (lease(1).job, Monotonic::default());
        inflight.prolonged(&[(job, 1)], &[job], until);
        assert_eq!(inflight.len(), 1);
        inflight.prolonged(&[(job, 2)], &[job], until);
        assert_eq!(inflight.len(), 0);
    }
}
