//! What is planned: the jobs of schedules, and what is held until its time.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Delivery, DeliveryState, EventKind, Reason};
use crate::id::{DeliveryId, TenantId};
use crate::memory::queue::jobs::{Hold, JobRow};
use crate::memory::queue::{Rooms, Tables};
use crate::notification::Priority;
use crate::queue::{Job, NewJob};
use crate::schedule::{HeldMove, PendingQuery};

impl Tables {
    /// Adds a job that is no delivery.
    pub(in crate::memory) fn insert_job(
        &mut self,
        tenant: &TenantId,
        priority: Priority,
        new: &NewJob,
    ) {
        let lane = (Reverse(priority), NewJob::CHANNEL);
        let mut row = JobRow::new(tenant.clone(), lane, new.due);
        row.payload.clone_from(&new.payload);
        self.jobs.insert(new.job, row);
    }

    /// Takes a job away that is no delivery; whoever has it is fenced.
    pub(in crate::memory) fn remove_job(&mut self, job: &Job) {
        self.jobs.remove(job);
    }

    /// When a job is due, or was when it was lent.
    pub(in crate::memory) fn due_of(&self, job: &Job) -> Option<Timestamp> {
        self.jobs.get(job).map(|row| row.due)
    }

    pub(in crate::memory) fn pending(&self, query: &PendingQuery<'_>) -> Vec<Delivery> {
        let mut found: Vec<(Timestamp, DeliveryId)> = match query.recipient {
            Some(recipient) => {
                let ids = self.person(query.tenant, recipient).into_iter().flatten();
                ids.filter_map(|id| self.waits(*id, query)).collect()
            }
            None => {
                let ids = self.rows.keys();
                ids.filter_map(|id| self.waits(*id, query)).collect()
            }
        };
        found.sort_unstable();
        let page = found.into_iter().take(query.limit as usize);
        page.filter_map(|(_, id)| self.read(&id)).collect()
    }

    /// Its place in the order of a page, if it is on one.
    fn waits(&self, id: DeliveryId, query: &PendingQuery<'_>) -> Option<(Timestamp, DeliveryId)> {
        let job = self.jobs.get(&Job::deliver(id))?;
        let delivery = &self.rows.get(&id)?.delivery;
        let place = (job.due, id);
        let is_meant = matches!(job.hold, Hold::Ready)
            && delivery.tenant == *query.tenant
            && is_held(delivery, query.reasons)
            && query.from <= job.due
            && job.due < query.to
            && query.after.is_none_or(|after| place > after);
        is_meant.then_some(place)
    }

    pub(in crate::memory) fn move_held(
        &mut self,
        moved: &HeldMove<'_>,
        rooms: &mut Rooms<'_>,
    ) -> Vec<bool> {
        let answers: Vec<bool> = moved
            .dues
            .iter()
            .map(|(id, _)| self.is_movable(*id, moved))
            .collect();
        if !answers.contains(&true) {
            return answers;
        }
        let siblings = self.notifications.get(&moved.notification);
        let siblings = siblings.map(|(_, ids)| ids.clone()).unwrap_or_default();
        for id in siblings {
            if let Some(row) = self.rows.get_mut(&id) {
                row.delivery.request = Arc::clone(moved.request);
                row.delivery.expires_at = moved.expires_at;
            }
        }
        for ((id, due), _) in moved.dues.iter().zip(&answers).filter(|(_, moves)| **moves) {
            self.jobs.update(&Job::deliver(*id), |row| {
                row.epoch += u32::from(row.hold.loan().is_some());
                row.ready_at(*due);
            });
            let (held, reason) = (DeliveryState::Held, Some(Reason::Scheduled));
            self.move_to(*id, held, reason, moved.now);
            if let Some(row) = self.rows.get_mut(id) {
                row.event(EventKind::Held, reason, moved.now);
            }
            let (actor, action) = (moved.actor, "delivery.reschedule");
            rooms
                .audit
                .write(moved.now, moved.tenant, actor, action, id.to_string());
        }
        answers
    }

    fn is_movable(&self, id: DeliveryId, moved: &HeldMove<'_>) -> bool {
        let is_waiting = self
            .jobs
            .get(&Job::deliver(id))
            .is_some_and(|job| !job.is_sending());
        let row = self.rows.get(&id).map(|row| &row.delivery);
        is_waiting
            && row.is_some_and(|delivery| {
                delivery.tenant == *moved.tenant
                    && delivery.notification == moved.notification
                    && is_held(delivery, moved.reasons)
            })
    }
}

fn is_held(delivery: &Delivery, reasons: &[Reason]) -> bool {
    let reason = delivery.reason;
    delivery.state == DeliveryState::Held && reason.is_some_and(|reason| reasons.contains(&reason))
}
