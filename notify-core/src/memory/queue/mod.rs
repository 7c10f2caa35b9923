//! The queue: deliveries, their jobs and events, idempotency keys, and what was counted.

mod accept;
mod api;
mod claim;
mod digest;
mod erase;
mod feedback;
mod hasten;
mod index;
mod jobs;
mod ledger;
mod operator;
mod planned;
mod premise;
mod settle;
mod sweep;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::{
    Delivery, DeliveryEvent, DeliveryState, EventKind, Frozen, MessageRef, Reason,
};
use crate::id::{DeliveryId, NotificationId, ProviderName, RecipientId, TenantId};
use crate::inbox::Mark;
use crate::memory::{audit, preference, schedule, suppression};
use crate::queue::{Job, KeyHash};

use jobs::{JobRow, Jobs};
use ledger::Ledger;

/// Everything that the queue and the deliveries consist of.
#[derive(Default)]
pub(super) struct Tables {
    rows: HashMap<DeliveryId, Row>,
    jobs: Jobs,
    notifications: HashMap<NotificationId, (TenantId, Vec<DeliveryId>)>,
    people: HashMap<TenantId, HashMap<RecipientId, BTreeSet<DeliveryId>>>,
    keys: HashMap<(TenantId, KeyHash), accept::Key>,
    keys_by_age: BTreeSet<(Timestamp, TenantId, KeyHash)>,
    dead: HashMap<TenantId, BTreeSet<DeliveryId>>,
    ended: BTreeSet<(Timestamp, DeliveryId)>,
    /// The dead letters of all tenants, which are kept longer, by when they became ones.
    dead_by_age: BTreeSet<(Timestamp, DeliveryId)>,
    ledger: Ledger,
    reports: feedback::Reports,
    buckets: digest::Buckets,
}

/// One delivery, as it rests: what moves is in its job.
struct Row {
    delivery: Delivery,
    events: Vec<DeliveryEvent>,
    /// The epoch that its job had when it was removed.
    epoch: u32,
    /// The epoch of the last settlement; 0 is none.
    settled: u32,
    /// What calls fixed, kept for a requeue.
    frozen: Option<Arc<Frozen>>,
    /// The caps under which it is counted.
    counted: Vec<[u8; 32]>,
    /// What providers that report took of it.
    messages: Vec<MessageRef>,
    /// The ids of what was answered to it.
    answers: Vec<(ProviderName, String)>,
}

/// The other rooms that a commit of the queue reads and writes.
pub(super) struct Rooms<'a> {
    preferences: &'a preference::Tables,
    suppressions: &'a mut suppression::Table,
    pub(super) audit: &'a mut audit::Table,
    pub(super) schedules: &'a mut schedule::Table,
    /// Which database this is.
    store: u128,
}

impl Row {
    const fn new(delivery: Delivery) -> Self {
        Self {
            delivery,
            events: Vec::new(),
            epoch: 0,
            settled: 0,
            frozen: None,
            counted: Vec::new(),
            messages: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn event(&mut self, kind: EventKind, reason: Option<Reason>, at: Timestamp) {
        let mut event = DeliveryEvent::new(self.delivery.id, at, kind);
        event.reason = reason;
        self.events.push(event);
    }
}

impl Tables {
    /// A delivery as it is seen: with what its job knows.
    pub(super) fn read(&self, id: &DeliveryId) -> Option<Delivery> {
        let mut delivery = self.rows.get(id)?.delivery.clone();
        if let Some(job) = self.jobs.get(&Job::deliver(*id)) {
            delivery.due_at = job.due;
            if job.is_sending() {
                delivery.state = DeliveryState::Sending;
            }
        }
        Some(delivery)
    }

    pub(super) fn of_notification(&self, tenant: &TenantId, id: &NotificationId) -> Vec<Delivery> {
        let found = self
            .notifications
            .get(id)
            .filter(|(owner, _)| owner == tenant);
        let ids = found.map_or(&[][..], |(_, ids)| ids.as_slice());
        ids.iter().filter_map(|id| self.read(id)).collect()
    }

    /// One person's deliveries.
    pub(super) fn person(
        &self,
        tenant: &TenantId,
        recipient: &RecipientId,
    ) -> Option<&BTreeSet<DeliveryId>> {
        self.people.get(tenant)?.get(recipient)
    }

    pub(super) fn timeline(&self, tenant: &TenantId, id: &DeliveryId) -> &[DeliveryEvent] {
        let row = self
            .rows
            .get(id)
            .filter(|row| row.delivery.tenant == *tenant);
        row.map_or(&[], |row| &row.events)
    }

    /// Notes that the person saw or read what a delivery put into the inbox: the first time counts.
    pub(super) fn mark_engaged(&mut self, delivery: DeliveryId, mark: Mark, now: Timestamp) {
        let Some(row) = self.rows.get_mut(&delivery) else {
            return;
        };
        if mark != Mark::Archived && row.delivery.seen_at.is_none() {
            row.delivery.seen_at = Some(now);
            row.event(EventKind::Seen, None, now);
        }
        if mark == Mark::Read && row.delivery.read_at.is_none() {
            row.delivery.read_at = Some(now);
            row.event(EventKind::Read, None, now);
        }
    }

    /// The state as it is seen.
    fn state(&self, id: &DeliveryId) -> Option<DeliveryState> {
        let rests = self.rows.get(id)?.delivery.state;
        let sending = self
            .jobs
            .get(&Job::deliver(*id))
            .is_some_and(JobRow::is_sending);
        Some(if sending {
            DeliveryState::Sending
        } else {
            rests
        })
    }

    /// Moves a delivery, and its place in the indexes. The caller has checked that it may be moved.
    fn move_to(
        &mut self,
        id: DeliveryId,
        to: DeliveryState,
        reason: Option<Reason>,
        now: Timestamp,
    ) {
        let Some(row) = self.rows.get_mut(&id) else {
            return;
        };
        let delivery = &mut row.delivery;
        let age = (delivery.updated_at, id);
        if delivery.state.is_dead_letter() {
            self.dead_by_age.remove(&age);
            if let Some(dead) = self.dead.get_mut(&delivery.tenant) {
                dead.remove(&id);
            }
        } else if !delivery.state.is_open() {
            self.ended.remove(&age);
        }
        (delivery.state, delivery.reason, delivery.updated_at) = (to, reason, now);
        if to.is_dead_letter() {
            self.dead
                .entry(delivery.tenant.clone())
                .or_default()
                .insert(id);
            self.dead_by_age.insert((now, id));
        } else if !to.is_open() {
            delivery.pinned = None;
            row.frozen = None;
            self.ended.insert((now, id));
        }
    }

    /// Whether a delivery that is open, or can be requeued, is pinned to this release of its tenant's templates.
    pub(super) fn is_pinned(&self, tenant: &TenantId, release: u128) -> bool {
        let is_it = |frozen: &Option<Arc<Frozen>>| {
            frozen
                .as_ref()
                .is_some_and(|frozen| frozen.release == Some(release))
        };
        let open = self.jobs.rows();
        let mut dead = self.dead.get(tenant).into_iter().flatten();
        open.into_iter()
            .any(|job| job.tenant == *tenant && is_it(&job.frozen))
            || dead.any(|id| self.rows.get(id).is_some_and(|row| is_it(&row.frozen)))
    }

    /// Takes a delivery's job out of the queue; what is left of it stays with the delivery.
    fn end_job(&mut self, id: DeliveryId) {
        let job = self.jobs.remove(&Job::deliver(id));
        if let (Some(row), Some(job)) = (self.rows.get_mut(&id), job) {
            row.epoch = job.epoch;
            row.delivery.due_at = job.due;
            row.frozen = job.frozen;
        }
    }
}
