//! What gathers until it leaves as one message: joined and left in the commits of `accept`, read and hastened here.

mod gather;
mod leave;

pub(super) use gather::Gathering;

use async_trait::async_trait;
use notify_core::digest::{Bucket, BucketId, BucketKey, DigestStore};
use notify_core::queue::{Job, JobKind};
use notify_core::{
    CategoryId, ChannelId, Delivery, DeliveryId, DeliveryState, RecipientId, Result, TenantId,
    Timestamp,
};
use sqlx::sqlite::SqliteRow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::SqliteStore;
use crate::error;
use crate::row::{Args, bytes, column, unsigned};
use crate::session::Session;

/// A tenant by number, and what is gathered.
pub(super) type Key = (i64, BucketKey);

pub(super) const fn job(id: BucketId) -> Job {
    Job::new(JobKind::FlushDigest, id.as_u128())
}

fn id_at(row: &SqliteRow, place: usize) -> Result<BucketId> {
    let bytes = bytes(row, place, "digest")?;
    Ok(BucketId::from_u128(u128::from_be_bytes(bytes)))
}

/// The buckets of these keys that are open: their ids, and how many joined them.
async fn open(db: &mut Session<'_>, keys: &[Key]) -> Result<HashMap<Key, (BucketId, u32)>> {
    let numbered: Vec<_> = (0_i64..).zip(keys).collect();
    let text = include_str!("../../sql/digest_open.sql");
    let row = |(place, (tenant, key)): &(i64, &Key), args: &mut Args| {
        args.push(*place);
        args.push(*tenant);
        args.push(&key.as_bytes()[..]);
    };
    let mut found = HashMap::with_capacity(keys.len());
    for row in db.all_rows(text, Args::new, &numbered, row).await? {
        let place: usize = unsigned(column(&row, 0)?, "digest")?;
        let key = keys.get(place).ok_or_else(|| error::corrupt("digest"))?;
        let joined = unsigned(column(&row, 2)?, "digest")?;
        found.insert(*key, (id_at(&row, 1)?, joined));
    }
    Ok(found)
}

/// The deliveries that wait in these buckets, each with its number, in the order in which they were stored.
async fn waiting(
    db: &mut Session<'_>,
    ids: &[BucketId],
) -> Result<HashMap<BucketId, Vec<(i64, DeliveryId)>>> {
    let text = include_str!("../../sql/digest_members.sql");
    let row = |id: &BucketId, args: &mut Args| args.push(&id.as_bytes()[..]);
    let mut found: HashMap<BucketId, Vec<_>> = HashMap::with_capacity(ids.len());
    for row in db.all_rows(text, Args::new, ids, row).await? {
        let delivery = DeliveryId::from_bytes(bytes(&row, 2, "delivery id")?);
        let members = found.entry(id_at(&row, 0)?).or_default();
        members.push((column(&row, 1)?, delivery));
    }
    found
        .values_mut()
        .for_each(|members| members.sort_unstable());
    Ok(found)
}

/// Rows of buckets, with the members that wait; the oldest first.
async fn read(db: &mut Session<'_>, rows: &[SqliteRow]) -> Result<Vec<Bucket>> {
    let mut buckets = Vec::with_capacity(rows.len());
    for row in rows {
        let mut bucket = Bucket::new(
            id_at(row, 0)?,
            BucketKey::from_bytes(bytes(row, 1, "digest")?),
            RecipientId::from(column::<&str>(row, 2)?),
            CategoryId::from(column::<&str>(row, 3)?),
            ChannelId::from(column::<&str>(row, 4)?),
            Timestamp::from_micros(column(row, 5)?),
        );
        bucket.is_open = column(row, 6)?;
        buckets.push(bucket);
    }
    let ids: Vec<_> = buckets.iter().map(|bucket| bucket.id).collect();
    let mut members = waiting(db, &ids).await?;
    for bucket in &mut buckets {
        let waiting = members.remove(&bucket.id).unwrap_or_default();
        bucket.members = waiting.into_iter().map(|(_, id)| id).collect();
    }
    buckets.sort_by_key(|bucket| (bucket.opened_at, bucket.id));
    Ok(buckets)
}

/// Says of deliveries that left in a digest in which one.
pub(crate) async fn add_merged(db: &mut Session<'_>, deliveries: &mut [Delivery]) -> Result<()> {
    let is_merged = |one: &&mut Delivery| one.state == DeliveryState::Merged;
    let merged = deliveries.iter_mut().filter(is_merged);
    let mut merged: HashMap<_, _> = merged.map(|one| (one.id, one)).collect();
    let ids: Vec<DeliveryId> = merged.keys().copied().collect();
    let text = include_str!("../../sql/digest_merged.sql");
    let row = |id: &DeliveryId, args: &mut Args| args.push(&id.as_bytes()[..]);
    for row in db.all_rows(text, Args::new, &ids, row).await? {
        let id = DeliveryId::from_bytes(bytes(&row, 0, "delivery id")?);
        let into = DeliveryId::from_bytes(bytes(&row, 1, "delivery id")?);
        if let Some(delivery) = merged.get_mut(&id) {
            delivery.merged_into = Some(into);
        }
    }
    Ok(())
}

/// Makes the job of a bucket due, whoever has it and however often it failed.
async fn hasten(db: &mut Session<'_>, id: BucketId, now: Timestamp) -> Result<u64> {
    let args = Args::new()
        .with(now.as_micros())
        .with(i64::from(JobKind::FlushDigest.code()))
        .with(&id.as_bytes()[..]);
    db.execute(include_str!("../../sql/digest_hasten.sql"), args)
        .await
}

async fn seal(db: &mut Session<'_>, tenant: &TenantId, id: BucketId) -> Result<bool> {
    let args = Args::new().with(&id.as_bytes()[..]).with(tenant.as_str());
    let sealed = db
        .execute(include_str!("../../sql/digest_seal.sql"), args)
        .await?;
    Ok(sealed > 0)
}

async fn load(db: &mut Session<'_>, tenant: &TenantId, id: BucketId) -> Result<Vec<SqliteRow>> {
    let args = Args::new().with(&id.as_bytes()[..]).with(tenant.as_str());
    db.all(include_str!("../../sql/digest_load.sql"), args)
        .await
}

/// Which buckets are to leave, or to be decided again.
struct Hastening {
    tenant: TenantId,
    ids: BTreeSet<BucketId>,
    seals: bool,
    now: Timestamp,
}

impl Hastening {
    /// Answers with the jobs that nobody has any more.
    async fn run(&self, db: &mut Session<'_>) -> Result<Vec<Job>> {
        let mut hastened = Vec::new();
        for id in &self.ids {
            if load(db, &self.tenant, *id).await?.is_empty() {
                continue;
            }
            if self.seals {
                seal(db, &self.tenant, *id).await?;
            }
            hasten(db, *id, self.now).await?;
            hastened.push(job(*id));
        }
        Ok(hastened)
    }
}

impl SqliteStore {
    async fn hasten_digests(
        &self,
        tenant: &TenantId,
        ids: &[BucketId],
        seals: bool,
        now: Timestamp,
    ) -> Result<u64> {
        if ids.is_empty() {
            return Ok(0);
        }
        let hastening = Arc::new(Hastening {
            tenant: tenant.clone(),
            ids: ids.iter().copied().collect(),
            seals,
            now,
        });
        let hastened = self.writer().write_then(
            move |db| {
                let hastening = Arc::clone(&hastening);
                Box::pin(async move { hastening.run(db).await })
            },
            |engine, freed: &Vec<Job>| {
                engine.leases.remove(freed.iter().copied());
                engine.ring();
            },
        );
        Ok(hastened.await?.len() as u64)
    }
}

#[async_trait]
impl DigestStore for SqliteStore {
    async fn are_open(&self, tenant: &TenantId, keys: &[BucketKey]) -> Result<Vec<bool>> {
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let Some(tenant) = self.engine().names.find_tenant(&mut db, tenant).await? else {
            return Ok(vec![false; keys.len()]);
        };
        let keys: Vec<Key> = keys.iter().map(|key| (tenant, *key)).collect();
        let found = open(&mut db, &keys).await?;
        Ok(keys.iter().map(|key| found.contains_key(key)).collect())
    }

    async fn bucket(&self, tenant: &TenantId, id: BucketId) -> Result<Option<Bucket>> {
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let rows = load(&mut db, tenant, id).await?;
        Ok(read(&mut db, &rows).await?.pop())
    }

    async fn buckets_of(&self, tenant: &TenantId, recipient: &RecipientId) -> Result<Vec<Bucket>> {
        let mut reader = self.reader().await?;
        let mut db = reader.session()?;
        let args = Args::new().with(tenant.as_str()).with(recipient.as_str());
        let text = include_str!("../../sql/digest_of_person.sql");
        let rows = db.all(text, args).await?;
        read(&mut db, &rows).await
    }

    async fn seal(&self, tenant: &TenantId, id: BucketId) -> Result<bool> {
        let tenant = tenant.clone();
        let sealed = self.writer().write(move |db| {
            let tenant = tenant.clone();
            Box::pin(async move { seal(db, &tenant, id).await })
        });
        sealed.await
    }

    async fn flush(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        self.hasten_digests(tenant, ids, true, now).await
    }

    async fn recheck(&self, tenant: &TenantId, ids: &[BucketId], now: Timestamp) -> Result<u64> {
        self.hasten_digests(tenant, ids, false, now).await
    }
}
