//! What operators do: cancel, requeue and purge, each with its audit row.

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::delivery::{Cause, Delivery, DeliveryState, EventKind, Reason, TargetState, transition};
use crate::id::{DeliveryId, TenantId};
use crate::memory::audit;
use crate::memory::queue::jobs::JobRow;
use crate::memory::queue::{Rooms, Row, Tables};
use crate::queue::{CancelOutcome, Job};
use std::cmp::Reverse;
use std::sync::Arc;

/// Who acts on whose deliveries, and where it is written down.
pub(super) struct Operator<'a> {
    tenant: &'a TenantId,
    actor: &'a Actor,
    now: Timestamp,
    audit: &'a mut audit::Table,
}

impl Rooms<'_> {
    pub(super) fn operator<'a>(
        &'a mut self,
        tenant: &'a TenantId,
        actor: &'a Actor,
        now: Timestamp,
    ) -> Operator<'a> {
        Operator {
            tenant,
            actor,
            now,
            audit: self.audit,
        }
    }
}

impl Operator<'_> {
    fn write(&mut self, action: &'static str, id: DeliveryId) {
        self.audit
            .write(self.now, self.tenant, self.actor, action, id.to_string());
    }
}

impl Tables {
    pub(super) fn cancel(
        &mut self,
        id: DeliveryId,
        reason: Reason,
        by: &mut Operator<'_>,
    ) -> CancelOutcome {
        let row = self
            .rows
            .get(&id)
            .filter(|row| row.delivery.tenant == *by.tenant);
        let Some(state) = row.and_then(|_| self.state(&id)) else {
            return CancelOutcome::NotFound;
        };
        // What was taken back is not to be requeued by somebody who does not know.
        if !state.is_dead_letter() && !self.is_cancellable(&id) {
            return CancelOutcome::TooLate(state);
        }
        self.end_cancelled(id, reason, by.now);
        by.write("delivery.cancel", id);
        CancelOutcome::Cancelled
    }

    /// Whether it waits, so that nobody has it yet.
    pub(super) fn is_cancellable(&self, id: &DeliveryId) -> bool {
        self.state(id).is_some_and(|state| {
            state.is_open() && transition(state, DeliveryState::Cancelled, Cause::Cancel)
        })
    }

    /// Ends what waits; its holder, if there is one, is fenced.
    pub(super) fn end_cancelled(&mut self, id: DeliveryId, reason: Reason, now: Timestamp) {
        self.end_job(id);
        self.move_to(id, DeliveryState::Cancelled, Some(reason), now);
        if let Some(row) = self.rows.get_mut(&id) {
            row.event(EventKind::Cancelled, Some(reason), now);
        }
    }

    pub(super) fn dead_letters(
        &self,
        tenant: &TenantId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Vec<Delivery> {
        let dead = self.dead.get(tenant).into_iter();
        let newest_first = dead.flat_map(|ids| match before {
            Some(before) => ids.range(..before).rev(),
            None => ids.range(..).rev(),
        });
        newest_first
            .take(limit as usize)
            .filter_map(|id| self.read(id))
            .collect()
    }

    fn dead_letter(&self, id: DeliveryId, by: &Operator<'_>) -> Option<&Row> {
        let row = self
            .rows
            .get(&id)
            .filter(|row| row.delivery.tenant == *by.tenant);
        row.filter(|row| row.delivery.state.is_dead_letter())
    }

    pub(super) fn requeue(&mut self, id: DeliveryId, by: &mut Operator<'_>) -> bool {
        let Some(row) = self.dead_letter(id, by) else {
            return false;
        };
        let lane = (Reverse(row.delivery.priority), row.delivery.channel.clone());
        let mut job = JobRow::new(row.delivery.tenant.clone(), lane, by.now);
        job.epoch = row.epoch + 1;
        job.settled = row.settled;
        job.frozen = row.frozen.as_deref().map(|frozen| {
            let mut frozen = frozen.clone();
            for target in &mut frozen.targets {
                if !matches!(target.state, TargetState::Sent { .. }) {
                    target.state = TargetState::Open;
                }
            }
            Arc::new(frozen)
        });
        self.jobs.insert(Job::deliver(id), job);
        self.move_to(id, DeliveryState::Queued, None, by.now);
        if let Some(row) = self.rows.get_mut(&id) {
            row.delivery.attempts = 0;
            row.event(EventKind::Requeued, None, by.now);
        }
        by.write("delivery.requeue", id);
        true
    }

    pub(super) fn purge(&mut self, id: DeliveryId, by: &mut Operator<'_>) -> bool {
        if self.dead_letter(id, by).is_none() {
            return false;
        }
        self.end_cancelled(id, Reason::Purged, by.now);
        by.write("delivery.purge", id);
        true
    }
}
