//! What gathers, to a mutant: joined, read and let go with a lie.

use async_trait::async_trait;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::delivery::Decision;
use crate::digest::{Bucket, BucketId, BucketKey, DigestStore};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{RecipientId, TenantId};
use crate::queue::{Acceptance, Flush, NewDelivery, Premise};
use crate::testkit::mutant::{MutantStore, Mutation};

impl MutantStore {
    fn buckets(&self) -> Result<Arc<dyn DigestStore>> {
        let none = || Error::new(ErrorKind::Unsupported, "the store keeps no digests");
        Arc::clone(&self.inner).digests().ok_or_else(none)
    }

    pub(super) async fn lie_about_digests(&self, batch: &mut [Acceptance]) -> Result<()> {
        for item in batch {
            for delivery in &mut item.deliveries {
                self.lie_about_joining(delivery);
            }
            if self.is(Mutation::BucketPremiseIsIgnored) {
                let is_other = |premise: &Premise| !matches!(premise, Premise::Bucket { .. });
                item.premises.retain(is_other);
            }
            if let Some(flush) = &mut item.flush {
                self.lie_about_flush(&item.tenant, flush).await?;
            }
            if self.is(Mutation::FlushForgetsMembers) {
                item.flush = None;
            }
            if self.is(Mutation::BucketsAreShared) && item.deliveries.iter().any(joins) {
                let first = self.memo().tenants.first().cloned();
                item.tenant = first.unwrap_or_else(|| item.tenant.clone());
            }
        }
        Ok(())
    }

    fn lie_about_joining(&self, delivery: &mut NewDelivery) {
        let Some(joining) = &mut delivery.digest else {
            return;
        };
        match self.mutation {
            Some(Mutation::JoinOpensAnother) => {
                let mut key = *joining.key.as_bytes();
                key[..16].copy_from_slice(delivery.id.as_bytes());
                joining.key = BucketKey::from_bytes(key);
            }
            Some(Mutation::MaxItemsIsIgnored) => joining.max_items = u32::MAX,
            Some(Mutation::JoinIsSent) => {
                (delivery.decision, delivery.digest) = (Decision::Send, None);
            }
            Some(Mutation::BeginningJoins) => {
                let until = joining.due;
                delivery.decision = Decision::Digest { until };
            }
            _ => {}
        }
    }

    async fn lie_about_flush(&self, tenant: &TenantId, flush: &mut Flush) -> Result<()> {
        match self.mutation {
            Some(Mutation::FlushIsNeverStale) => {
                let bucket = self.buckets()?.bucket(tenant, flush.bucket).await?;
                let waiting = bucket.map(|bucket| bucket.members).unwrap_or_default();
                let waits = |id: &_| waiting.contains(id);
                flush.merged.retain(waits);
                flush.released.retain(waits);
                flush.ended.retain(|(id, _)| waits(id));
                let named: Vec<_> = flush.members().collect();
                let others = waiting.into_iter().filter(|id| !named.contains(id));
                flush.merged.extend(others);
            }
            Some(Mutation::FlushReleasesNothing) => {
                let kept = std::mem::take(&mut flush.released);
                flush.merged.extend(kept);
            }
            Some(Mutation::FlushMergesAll) => {
                let ended = std::mem::take(&mut flush.ended);
                flush.merged.extend(ended.into_iter().map(|(id, _)| id));
            }
            _ => {}
        }
        Ok(())
    }

    fn lie_about_bucket(&self, mut bucket: Bucket) -> Bucket {
        if self.is(Mutation::MembersInDisorder) {
            bucket.members.reverse();
        }
        if self.is(Mutation::CancelledStillWaits) {
            let mut memo = self.memo();
            let known = memo.joined.entry(bucket.id).or_default();
            let new = bucket.members.iter().filter(|id| !known.contains(id));
            let new: Vec<_> = new.copied().collect();
            known.extend(new);
            bucket.members.clone_from(known);
        }
        bucket
    }
}

const fn joins(delivery: &NewDelivery) -> bool {
    matches!(delivery.decision, Decision::Digest { .. })
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DigestStore for MutantStore {
    async fn are_open(&self, tenant: &TenantId, keys: &[BucketKey]) -> Result<Vec<bool>> {
        self.buckets()?.are_open(tenant, keys).await
    }

    async fn bucket(&self, tenant: &TenantId, id: BucketId) -> Result<Option<Bucket>> {
        let found = self.buckets()?.bucket(tenant, id).await?;
        Ok(found.map(|bucket| self.lie_about_bucket(bucket)))
    }

    async fn buckets_of(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<Vec<Bucket>> {
        let found = self.buckets()?.buckets_of(tenant, recipient).await?;
        let lie = |bucket| self.lie_about_bucket(bucket);
        Ok(found.into_iter().map(lie).collect())
    }

    async fn seal(&self, tenant: &TenantId, id: BucketId) -> Result<bool> {
        if self.is(Mutation::SealDoesNothing) {
            let bucket = self.buckets()?.bucket(tenant, id).await?;
            return Ok(bucket.is_some_and(|bucket| bucket.is_open));
        }
        self.buckets()?.seal(tenant, id).await
    }

    async fn flush(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        if self.is(Mutation::FlushKeepsItsTime) {
            let mut sealed = 0;
            for id in ids {
                sealed += u64::from(self.buckets()?.seal(tenant, *id).await?);
            }
            return Ok(sealed);
        }
        self.buckets()?.flush(tenant, ids, now).await
    }

    async fn recheck(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        if self.is(Mutation::RecheckSeals) {
            return self.buckets()?.flush(tenant, ids, now).await;
        }
        self.buckets()?.recheck(tenant, ids, now).await
    }
}
