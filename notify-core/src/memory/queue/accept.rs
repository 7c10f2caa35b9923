//! Acceptance: notification, deliveries, jobs and key in one commit.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::clock::{Clock, Monotonic, Timestamp};
use crate::delivery::{Decision, Delivery, DeliveryState, EventKind, Reason};
use crate::id::{DeliveryId, NotificationId, TenantId};
use crate::memory::MemoryStore;
use crate::memory::queue::digest::Joiner;
use crate::memory::queue::jobs::{Hold, JobRow, Loan};
use crate::memory::queue::premise::Asker;
use crate::memory::queue::{Rooms, Row, Tables};
use crate::notification::{Class, NotificationRequest, Priority, RequestHash};
use crate::queue::{
    Acceptance, Accepted, Advance, Handoff, Job, Lease, NewDelivery, NewJob, Next, Premise, Settled,
};

/// What an idempotency key stands for.
pub(super) struct Key {
    pub(super) hash: RequestHash,
    pub(super) notification: NotificationId,
}

/// What is done after the commit.
struct After {
    /// Both times at the beginning of the call.
    now: Timestamp,
    monotonic: Monotonic,
    lent: Vec<(Handoff, Lease)>,
    /// Dropped outside of the lock, since they may hold anything.
    unused: Vec<Handoff>,
    refused: Vec<Acceptance>,
}

impl MemoryStore {
    pub(super) fn accept_all(&self, batch: Vec<Acceptance>) -> Vec<Accepted> {
        let clock: &dyn Clock = &*self.shared.clock;
        let mut after = After {
            now: clock.now(),
            monotonic: clock.monotonic(),
            lent: Vec::new(),
            unused: Vec::new(),
            refused: Vec::new(),
        };
        let answers = self.commit(|tables, rooms| {
            let accept = |item| tables.accept(item, rooms, &mut after);
            batch.into_iter().map(accept).collect()
        });
        for (handoff, lease) in after.lent {
            handoff.deliver(lease);
        }
        answers
    }
}

impl Tables {
    fn accept(&mut self, item: Acceptance, rooms: &Rooms<'_>, after: &mut After) -> Accepted {
        let asker = Asker {
            tenant: &item.tenant,
            notification: item.id,
            now: item.accepted_at,
        };
        if let Some(refusal) = self.refusal(&item, &asker, rooms) {
            after.refused.push(item);
            return refusal;
        }
        let Acceptance {
            key,
            deliveries,
            jobs,
            premises,
            advance,
            flush,
            ..
        } = item;
        if let Some(key) = key {
            let entry = Key {
                hash: item.request_hash,
                notification: item.id,
            };
            self.keys.insert((item.tenant.clone(), key), entry);
            self.keys_by_age
                .insert((item.accepted_at, item.tenant.clone(), key));
        }
        let mut order: Vec<_> = deliveries
            .iter()
            .map(|d| (d.recipient.clone(), d.step, d.id))
            .collect();
        order.sort();
        let ids: Vec<_> = order.into_iter().map(|(_, _, id)| id).collect();
        if !ids.is_empty() {
            self.notifications
                .insert(item.id, (item.tenant.clone(), ids));
        }
        let shared = Shared {
            tenant: &item.tenant,
            notification: item.id,
            request: &item.request,
            class: item.class,
            priority: item.priority,
            accepted_at: item.accepted_at,
            expires_at: item.expires_at,
        };
        let into = deliveries.first().map(|delivery| delivery.id);
        for delivery in deliveries {
            self.insert(delivery, &shared, after);
        }
        if let Some(flush) = flush {
            self.flush(&item.tenant, flush, into, item.accepted_at);
        }
        for NewJob { job, due, payload } in jobs {
            let lane = (Reverse(item.priority), NewJob::CHANNEL);
            let row = JobRow::new(item.tenant.clone(), lane, due);
            self.jobs.insert(job, JobRow { payload, ..row });
        }
        self.record_premises(&premises, &asker);
        if let Some(advance) = advance {
            self.advance(advance);
        }
        Accepted::New
    }

    /// Why an item is not stored. Changes nothing.
    fn refusal(&self, item: &Acceptance, asker: &Asker<'_>, rooms: &Rooms<'_>) -> Option<Accepted> {
        let known = item
            .key
            .and_then(|key| self.keys.get(&(item.tenant.clone(), key)));
        if let Some(known) = known {
            return Some(if known.hash == item.request_hash {
                Accepted::Duplicate(known.notification)
            } else {
                Accepted::Conflict
            });
        }
        if self.notifications.contains_key(&item.id) {
            return Some(Accepted::Duplicate(item.id));
        }
        if item.advance.as_ref().is_some_and(|next| !self.holds(next)) {
            return Some(Accepted::Fenced);
        }
        if let Err((premise, _)) = self.check_premises(&item.premises, asker, rooms) {
            return Some(Accepted::Stale(premise));
        }
        let flush = item.flush.as_ref();
        let broken = flush.filter(|flush| !self.is_whole(&item.tenant, flush));
        broken.map(|flush| {
            let (key, open) = (flush.key, false);
            Accepted::Stale(Premise::Bucket { key, open })
        })
    }

    fn insert(&mut self, mut new: NewDelivery, shared: &Shared<'_>, after: &mut After) {
        let (id, handoff, due) = (new.id, new.handoff.take(), new.due);
        let job = Job::deliver(id);
        let is_sent = matches!(new.decision, Decision::Send);
        let is_queued = matches!(new.decision, Decision::Send | Decision::Hold { .. });
        let people = self.people.entry(shared.tenant.clone()).or_default();
        people.entry(new.recipient.clone()).or_default().insert(id);
        let lane = (Reverse(shared.priority), new.channel.clone());
        let (digest, recipient) = (new.digest.take(), new.recipient.clone());
        let (decision, row) = shared.row(new);
        self.rows.insert(id, row);
        let joins = matches!(decision, Decision::Digest { .. });
        self.decide(id, decision, shared.accepted_at);
        if let Some(joining) = digest {
            let joiner = Joiner {
                tenant: shared.tenant,
                delivery: id,
                recipient: &recipient,
                channel: &lane.1,
                priority: shared.priority,
                now: shared.accepted_at,
            };
            self.gather(joining, &joiner, joins);
        }
        if !is_queued {
            after.unused.extend(handoff);
            return;
        }
        let mut row = JobRow::new(shared.tenant.clone(), lane, due);
        match handoff {
            Some(handoff) if is_sent && due <= shared.accepted_at => {
                let until = shared.accepted_at + handoff.ttl;
                row.hold = Hold::Leased(Loan {
                    owner: handoff.owner,
                    until,
                });
                row.epoch = 1;
                // Planning took a part of the loan's time.
                let left = handoff
                    .ttl
                    .saturating_sub(after.now.since(shared.accepted_at));
                after
                    .lent
                    .push((handoff, row.lease(job, after.monotonic + left)));
            }
            other => after.unused.extend(other),
        }
        self.jobs.insert(job, row);
    }

    /// Carries a decision out on a delivery that was just stored.
    fn decide(&mut self, id: DeliveryId, decision: Decision, now: Timestamp) {
        let (state, reason) = match decision {
            Decision::Send => (DeliveryState::Queued, None),
            Decision::Hold { reason, .. } => (DeliveryState::Held, Some(reason)),
            Decision::Digest { .. } => (DeliveryState::Held, Some(Reason::Digest)),
            Decision::Suppress { reason } => (DeliveryState::Suppressed, Some(reason)),
        };
        self.move_to(id, state, reason, now);
        if let Some(row) = self.rows.get_mut(&id) {
            row.event(EventKind::Accepted, None, now);
            match state {
                DeliveryState::Held => row.event(EventKind::Held, reason, now),
                DeliveryState::Suppressed => row.event(EventKind::Suppressed, reason, now),
                _ => {}
            }
        }
    }

    /// Whether the job is on loan at that epoch.
    fn holds(&self, Advance { job, epoch, .. }: &Advance) -> bool {
        let row = self.jobs.get(job).filter(|row| row.epoch == *epoch);
        row.is_some_and(|row| row.hold.loan().is_some())
    }

    /// Moves a job on that is no delivery, and makes nothing.
    pub(super) fn advance_alone(&mut self, next: &Advance) -> Settled {
        if next.job.delivery().is_some() || !self.holds(next) {
            return Settled::Fenced;
        }
        self.advance(next.clone());
        Settled::Applied
    }

    fn advance(&mut self, Advance { job, next, .. }: Advance) {
        match next {
            Next::Done => drop(self.jobs.remove(&job)),
            Next::Again { due, cursor } => self.jobs.update(&job, |row| {
                row.payload = cursor;
                row.ready_at(due);
            }),
        }
    }
}

/// What the deliveries of one notification have in common.
struct Shared<'a> {
    tenant: &'a TenantId,
    notification: NotificationId,
    request: &'a Arc<NotificationRequest>,
    class: Class,
    priority: Priority,
    accepted_at: Timestamp,
    expires_at: Option<Timestamp>,
}

impl Shared<'_> {
    fn row(&self, new: NewDelivery) -> (Decision, Row) {
        let mut delivery = Delivery::new(
            new.id,
            self.tenant.clone(),
            self.notification,
            Arc::clone(self.request),
            new.recipient,
            new.channel,
            self.accepted_at,
        );
        delivery.pinned = new.pinned;
        delivery.step = new.step;
        delivery.after = new.after;
        delivery.class = self.class;
        delivery.priority = self.priority;
        delivery.trace = new.trace;
        delivery.due_at = new.due;
        delivery.expires_at = self.expires_at;
        (new.decision, Row::new(delivery))
    }
}
