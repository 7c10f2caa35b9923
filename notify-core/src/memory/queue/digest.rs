//! What gathers: joined and left in the commits of the queue.

use async_trait::async_trait;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use crate::clock::Timestamp;
use crate::delivery::{DeliveryState, EventKind, Reason};
use crate::digest::{Bucket, BucketId, BucketKey, DigestStore};
use crate::error::Result;
use crate::id::{ChannelId, DeliveryId, RecipientId, TenantId};
use crate::memory::MemoryStore;
use crate::memory::queue::Tables;
use crate::memory::queue::jobs::{Hold, JobRow};
use crate::notification::Priority;
use crate::privacy::Erasure;
use crate::queue::{Flush, Job, JobKind, Joining, NewJob};

/// Buckets, and which of them are open.
#[derive(Default)]
pub(super) struct Buckets {
    open: HashMap<(TenantId, BucketKey), BucketId>,
    all: HashMap<BucketId, Row>,
    people: HashMap<(TenantId, RecipientId), BTreeSet<BucketId>>,
}

/// One bucket; its members are all that ever joined.
struct Row {
    tenant: TenantId,
    bucket: Bucket,
}

/// Who joins.
pub(super) struct Joiner<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) delivery: DeliveryId,
    pub(super) recipient: &'a RecipientId,
    pub(super) channel: &'a ChannelId,
    pub(super) priority: Priority,
    pub(super) now: Timestamp,
}

impl Buckets {
    pub(super) fn is_open(&self, tenant: &TenantId, key: BucketKey) -> bool {
        self.open.contains_key(&(tenant.clone(), key))
    }

    fn of(&self, tenant: &TenantId, id: BucketId) -> Option<&Row> {
        self.all.get(&id).filter(|row| row.tenant == *tenant)
    }

    fn seal(&mut self, tenant: &TenantId, id: BucketId) -> bool {
        let row = self.all.get_mut(&id).filter(|row| row.tenant == *tenant);
        let Some(row) = row else { return false };
        let was_open = std::mem::take(&mut row.bucket.is_open);
        if was_open {
            self.open.remove(&(tenant.clone(), row.bucket.key));
        }
        was_open
    }

    /// Nobody's from now on; what gathered in them is cancelled, and nothing more joins them.
    pub(super) fn erase(&mut self, erasure: &Erasure) {
        let person = (erasure.tenant.clone(), erasure.recipient.clone());
        let ids = self.people.remove(&person).unwrap_or_default();
        for id in &ids {
            self.seal(&erasure.tenant, *id);
            if let Some(row) = self.all.get_mut(id) {
                row.bucket.recipient = erasure.pseudonym.clone();
            }
        }
        if !ids.is_empty() {
            let nobody = (erasure.tenant.clone(), erasure.pseudonym.clone());
            self.people.entry(nobody).or_default().extend(ids);
        }
    }

    fn remove(&mut self, tenant: &TenantId, id: BucketId) {
        self.seal(tenant, id);
        if let Some(row) = self.all.remove(&id) {
            let person = (row.tenant, row.bucket.recipient);
            if let Some(own) = self.people.get_mut(&person) {
                own.remove(&id);
                if own.is_empty() {
                    self.people.remove(&person);
                }
            }
        }
    }
}

const fn job(id: BucketId) -> Job {
    Job::new(JobKind::FlushDigest, id.as_u128())
}

impl Tables {
    /// Finds the open bucket, or opens one, and joins it unless it only begins it.
    pub(super) fn gather(&mut self, joining: Joining, by: &Joiner<'_>, joins: bool) {
        let place = (by.tenant.clone(), joining.key);
        let known = self.buckets.open.get(&place).copied();
        let id = known.unwrap_or_else(|| self.open_bucket(&joining, by));
        let Some(row) = self.buckets.all.get_mut(&id).filter(|_| joins) else {
            return;
        };
        row.bucket.members.push(by.delivery);
        if row.bucket.members.len() >= joining.max_items as usize {
            self.buckets.seal(by.tenant, id);
            self.hasten_bucket(id, by.now);
        }
    }

    fn open_bucket(&mut self, joining: &Joining, by: &Joiner<'_>) -> BucketId {
        let id = BucketId::opened_by(by.delivery);
        let lane = (Reverse(by.priority), NewJob::CHANNEL);
        let row = JobRow::new(by.tenant.clone(), lane, joining.due);
        self.jobs.insert(job(id), row);
        let (tenant, recipient) = (by.tenant.clone(), by.recipient.clone());
        let bucket = Bucket::new(
            id,
            joining.key,
            recipient.clone(),
            joining.category.clone(),
            by.channel.clone(),
            by.now,
        );
        self.buckets.open.insert((tenant.clone(), joining.key), id);
        let own = self.buckets.people.entry((tenant.clone(), recipient));
        own.or_default().insert(id);
        self.buckets.all.insert(id, Row { tenant, bucket });
        id
    }

    /// Makes the job of a bucket due now, whoever has it and however often it failed.
    fn hasten_bucket(&mut self, id: BucketId, now: Timestamp) {
        self.jobs.update(&job(id), |row| {
            row.epoch += u32::from(!matches!(row.hold, Hold::Ready));
            row.crashes = 0;
            row.ready_at(row.due.min(now));
        });
    }

    /// The bucket with the members that still wait.
    fn bucket(&self, tenant: &TenantId, id: BucketId) -> Option<Bucket> {
        let mut bucket = self.buckets.of(tenant, id)?.bucket.clone();
        bucket.members.retain(|id| self.gathers(id));
        Some(bucket)
    }

    fn gathers(&self, id: &DeliveryId) -> bool {
        let delivery = self.rows.get(id).map(|row| &row.delivery);
        delivery.is_some_and(|one| {
            one.state == DeliveryState::Held && one.reason == Some(Reason::Digest)
        })
    }

    /// Whether a flush names exactly those that wait.
    pub(super) fn is_whole(&self, tenant: &TenantId, flush: &Flush) -> bool {
        let Some(bucket) = self.bucket(tenant, flush.bucket) else {
            return false;
        };
        let named: BTreeSet<_> = flush.members().collect();
        let waiting: BTreeSet<_> = bucket.members.into_iter().collect();
        named.len() == flush.members().count() && named == waiting
    }

    /// Lets the members go, into this delivery or each its own way.
    pub(super) fn flush(
        &mut self,
        tenant: &TenantId,
        flush: Flush,
        into: Option<DeliveryId>,
        now: Timestamp,
    ) {
        self.buckets.remove(tenant, flush.bucket);
        for id in flush.merged {
            self.leave(id, DeliveryState::Merged, EventKind::Merged, None, now);
            if let Some(row) = self.rows.get_mut(&id) {
                row.delivery.merged_into = into;
            }
        }
        for (id, reason) in flush.ended {
            let state = Flush::end_of(reason);
            let kind = match state {
                DeliveryState::Expired => EventKind::Expired,
                _ => EventKind::Suppressed,
            };
            self.leave(id, state, kind, Some(reason), now);
        }
        for id in flush.released {
            self.leave(id, DeliveryState::Queued, EventKind::Queued, None, now);
            let Some(row) = self.rows.get_mut(&id) else {
                continue;
            };
            row.delivery.due_at = now;
            let delivery = &row.delivery;
            let lane = (Reverse(delivery.priority), delivery.channel.clone());
            self.jobs
                .insert(Job::deliver(id), JobRow::new(tenant.clone(), lane, now));
        }
    }

    fn leave(
        &mut self,
        id: DeliveryId,
        to: DeliveryState,
        kind: EventKind,
        reason: Option<Reason>,
        now: Timestamp,
    ) {
        self.move_to(id, to, reason, now);
        if let Some(row) = self.rows.get_mut(&id) {
            row.event(kind, reason, now);
        }
    }

    fn hasten_buckets(
        &mut self,
        tenant: &TenantId,
        ids: &[BucketId],
        seals: bool,
        now: Timestamp,
    ) -> u64 {
        let ids: BTreeSet<_> = ids.iter().copied().collect();
        let mut hastened = 0;
        for id in ids {
            if self.buckets.of(tenant, id).is_none() {
                continue;
            }
            if seals {
                self.buckets.seal(tenant, id);
            }
            self.hasten_bucket(id, now);
            hastened += 1;
        }
        hastened
    }
}

#[async_trait]
impl DigestStore for MemoryStore {
    async fn are_open(&self, tenant: &TenantId, keys: &[BucketKey]) -> Result<Vec<bool>> {
        Ok(self.commit(|tables, _| {
            let is_open = |key: &BucketKey| tables.buckets.is_open(tenant, *key);
            keys.iter().map(is_open).collect()
        }))
    }

    async fn bucket(&self, tenant: &TenantId, id: BucketId) -> Result<Option<Bucket>> {
        Ok(self.commit(|tables, _| tables.bucket(tenant, id)))
    }

    async fn buckets_of(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<Vec<Bucket>> {
        Ok(self.commit(|tables, _| {
            let person = (tenant.clone(), recipient.clone());
            let own = tables.buckets.people.get(&person);
            let own = own.into_iter().flatten();
            own.filter_map(|id| tables.bucket(tenant, *id)).collect()
        }))
    }

    async fn seal(&self, tenant: &TenantId, id: BucketId) -> Result<bool> {
        Ok(self.commit(|tables, _| tables.buckets.seal(tenant, id)))
    }

    async fn flush(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        Ok(self.commit(|tables, _| tables.hasten_buckets(tenant, ids, true, now)))
    }

    async fn recheck(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        Ok(self.commit(|tables, _| tables.hasten_buckets(tenant, ids, false, now)))
    }
}
