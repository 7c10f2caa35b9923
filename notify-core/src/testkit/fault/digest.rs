//! The calls about what gathers, each of which may fail.

use async_trait::async_trait;

use super::{Faulty, Operation, room, run};
use crate::clock::Timestamp;
use crate::digest::{Bucket, BucketId, BucketKey, DigestStore};
use crate::error::Result;
use crate::id::{RecipientId, TenantId};

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DigestStore for Faulty {
    async fn are_open(&self, tenant: &TenantId, keys: &[BucketKey]) -> Result<Vec<bool>> {
        let digests = room(self.digests.as_ref())?;
        run!(self, BucketsOpen, digests.are_open(tenant, keys))
    }

    async fn bucket(&self, tenant: &TenantId, id: BucketId) -> Result<Option<Bucket>> {
        let digests = room(self.digests.as_ref())?;
        run!(self, Bucket, digests.bucket(tenant, id))
    }

    async fn buckets_of(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<Vec<Bucket>> {
        let digests = room(self.digests.as_ref())?;
        run!(self, BucketsOf, digests.buckets_of(tenant, recipient))
    }

    async fn seal(&self, tenant: &TenantId, id: BucketId) -> Result<bool> {
        let digests = room(self.digests.as_ref())?;
        run!(self, SealDigest, digests.seal(tenant, id))
    }

    async fn flush(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        let digests = room(self.digests.as_ref())?;
        run!(self, FlushDigest, digests.flush(tenant, ids, now))
    }

    async fn recheck(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        let digests = room(self.digests.as_ref())?;
        run!(self, RecheckDigest, digests.recheck(tenant, ids, now))
    }
}
