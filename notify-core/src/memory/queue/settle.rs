//! Begin and settle: what is written about a job on loan, fenced by its epoch.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{Cause, DeliveryEvent, DeliveryState, EventKind, transition};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{DeliveryId, TenantId};
use crate::memory::queue::jobs::Hold;
use crate::memory::queue::premise::Asker;
use crate::memory::queue::{Rooms, Tables};
use crate::preference::Suppression;
use crate::queue::{Begun, Effect, Lease, Outcome, Settled, Settlement, Start};

/// What a lease is worth.
enum Standing {
    /// It holds.
    Holds,
    /// It was settled, and nobody settled the job since.
    Settled,
    /// Somebody else has the job, or had it.
    Lost,
}

impl Tables {
    pub(super) fn begin(&mut self, start: &Start<'_>, rooms: &Rooms<'_>) -> Begun {
        let Start {
            lease,
            frozen,
            premises,
            now,
            ..
        } = *start;
        let Standing::Holds = self.standing(lease) else {
            return Begun::Fenced;
        };
        let Some(row) = self.jobs.get(&lease.job) else {
            return Begun::Fenced;
        };
        if row.is_sending() {
            return Begun::Go; // This was asked before.
        }
        let tenant = row.tenant.clone();
        let delivery = lease.job.delivery().and_then(|id| self.rows.get(&id));
        let Some(notification) = delivery.map(|row| row.delivery.notification) else {
            return Begun::Fenced;
        };
        let asker = Asker {
            tenant: &tenant,
            notification,
            now,
        };
        if let Err((premise, retry_at)) = self.check_premises(premises, &asker, rooms) {
            return Begun::Refused { premise, retry_at };
        }
        self.record_premises(premises, &asker);
        self.jobs.update(&lease.job, |row| {
            if let Hold::Leased(loan) = row.hold {
                row.hold = Hold::Sending(loan);
            }
            row.sends += 1;
            row.frozen = Some(Arc::new(frozen.clone()));
        });
        if let Some(row) = lease.job.delivery().and_then(|id| self.rows.get_mut(&id)) {
            row.delivery.provider = Some(start.provider.clone());
        }
        Begun::Go
    }

    fn standing(&self, lease: &Lease) -> Standing {
        let job = self.jobs.get(&lease.job);
        if job.is_some_and(|row| row.epoch == lease.epoch && row.hold.loan().is_some()) {
            return Standing::Holds;
        }
        let row = lease
            .job
            .delivery()
            .map(|id| self.rows.get(&id).map(|row| row.settled));
        let settled = match (job, row) {
            (Some(job), _) => job.settled == lease.epoch,
            (None, Some(settled)) => settled == Some(lease.epoch),
            // Jobs other than deliveries leave nothing behind when they are done.
            (None, None) => true,
        };
        if settled {
            Standing::Settled
        } else {
            Standing::Lost
        }
    }

    /// Refuses a settlement that no worker may make, before any of the call is carried out.
    pub(super) fn check_settlement(&self, settlement: &Settlement<'_>) -> Result<()> {
        let Standing::Holds = self.standing(settlement.lease) else {
            return Ok(());
        };
        let Some((id, from)) = settlement
            .lease
            .job
            .delivery()
            .and_then(|id| Some((id, self.state(&id)?)))
        else {
            return Ok(());
        };
        let (to, is_possible) = match settlement.outcome {
            Outcome::Finished(to) => (to, !to.is_open()),
            Outcome::Again { held: true, .. } => (DeliveryState::Held, true),
            Outcome::Again { .. } => (DeliveryState::Queued, true),
        };
        if is_possible && transition(from, to, Cause::Worker) {
            return Ok(());
        }
        let why = format!("delivery {id} cannot be settled from {from} to {to}");
        Err(Error::new(ErrorKind::Unexpected, why))
    }

    pub(super) fn settle(&mut self, settlement: &Settlement<'_>, rooms: &mut Rooms<'_>) -> Settled {
        let lease = settlement.lease;
        match self.standing(lease) {
            Standing::Settled => return Settled::Applied,
            Standing::Lost => return Settled::Fenced,
            Standing::Holds => {}
        }
        let Some(tenant) = self.jobs.get(&lease.job).map(|row| row.tenant.clone()) else {
            return Settled::Fenced;
        };
        if let Some(id) = lease.job.delivery() {
            self.write_settlement(id, &tenant, settlement);
        }
        self.jobs.update(&lease.job, |row| {
            row.settled = row.epoch;
            row.interrupted = false;
            if let Some(frozen) = settlement.frozen {
                row.frozen = Some(Arc::new(frozen.clone()));
            }
            if let Outcome::Again { due, .. } = settlement.outcome {
                row.ready_at(due);
            }
        });
        match (settlement.outcome, lease.job.delivery()) {
            (Outcome::Finished(to), Some(id)) => {
                self.end_job(id);
                self.move_to(id, to, settlement.reason, settlement.now);
            }
            (Outcome::Finished(_), None) => drop(self.jobs.remove(&lease.job)),
            (Outcome::Again { held, .. }, Some(id)) => {
                let to = if held {
                    DeliveryState::Held
                } else {
                    DeliveryState::Queued
                };
                self.move_to(id, to, settlement.reason, settlement.now);
            }
            (Outcome::Again { .. }, None) => {}
        }
        for effect in settlement.effects {
            self.carry_out(effect, &tenant, settlement.now, rooms);
        }
        Settled::Applied
    }

    /// Writes what is known of the call with the delivery.
    fn write_settlement(&mut self, id: DeliveryId, tenant: &TenantId, settlement: &Settlement<'_>) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        row.settled = settlement.lease.epoch;
        let delivery = &mut row.delivery;
        delivery.attempts = settlement.attempts;
        if let Some(provider) = settlement.provider {
            delivery.provider = Some(provider.clone());
        }
        if let Some(message_id) = settlement.message_id {
            delivery.message_id = Some(message_id.to_owned());
        }
        if let Some(fault) = settlement.fault {
            delivery.fault = Some(fault.clone());
        }
        let mut event = DeliveryEvent::new(id, settlement.now, settlement.event);
        event.reason = settlement.reason;
        event.attempt = settlement.provider.map(|_| settlement.attempts);
        event.provider = settlement.provider.cloned();
        event.message_id = settlement.message_id.map(str::to_owned);
        event.price = settlement.price;
        event.segments = settlement.segments;
        event.fault = settlement.fault.cloned();
        row.events.push(event);
        row.messages.extend_from_slice(settlement.messages);
        self.reports.take(id, settlement.messages);
        if settlement.nothing_went_out {
            for key in std::mem::take(&mut row.counted) {
                self.ledger.give_back(tenant, key, id);
            }
        }
    }

    pub(super) fn carry_out(
        &mut self,
        effect: &Effect,
        tenant: &TenantId,
        now: Timestamp,
        rooms: &mut Rooms<'_>,
    ) {
        match effect {
            Effect::Release { delivery, due } => self.release_step(*delivery, tenant, *due, now),
            Effect::Cancel { delivery, reason } => {
                let row = self
                    .rows
                    .get(delivery)
                    .filter(|row| row.delivery.tenant == *tenant);
                if row.is_some() && self.is_cancellable(delivery) {
                    self.end_cancelled(*delivery, *reason, now);
                }
            }
            Effect::Suppress {
                channel,
                address,
                scope,
                source,
            } => {
                let entry = Suppression::new(channel.clone(), *address, *scope, *source, now);
                rooms.suppressions.add(tenant, &entry);
            }
            Effect::SoftBounce { .. } | Effect::Arrived { .. } => {
                if let Some(entry) = self.reports.count(effect, tenant, now) {
                    rooms.suppressions.add(tenant, &entry);
                }
            }
        }
    }

    /// Lets a waiting step go at `due`, whoever has it now.
    fn release_step(&mut self, id: DeliveryId, tenant: &TenantId, due: Timestamp, now: Timestamp) {
        let row = self
            .rows
            .get(&id)
            .filter(|row| row.delivery.tenant == *tenant);
        let job = crate::queue::Job::deliver(id);
        if row.is_none()
            || self.state(&id) != Some(DeliveryState::Held)
            || self.jobs.get(&job).is_none()
        {
            return;
        }
        self.jobs.update(&job, |row| {
            row.epoch += 1;
            row.ready_at(due);
        });
        if due <= now {
            self.move_to(id, DeliveryState::Queued, None, now);
            if let Some(row) = self.rows.get_mut(&id) {
                row.event(EventKind::Queued, None, now);
            }
        }
    }
}
