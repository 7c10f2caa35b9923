//! What joins and what leaves in one transaction of `accept`: foreseen item by item in order, then written for all of them at once.

use notify_core::delivery::Decision;
use notify_core::digest::{BucketId, BucketKey};
use notify_core::queue::{Acceptance, Flush, Job, NewDelivery, NewJob};
use notify_core::{DeliveryId, Priority, Result, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::engine::Engine;
use crate::names::Whose;
use crate::queue::digest::leave::{Leaving, leave};
use crate::queue::digest::{Key, hasten, job, load, open, waiting};
use crate::queue::jobs;
use crate::row::Args;
use crate::session::Session;

/// A bucket as it stands while a transaction is foreseen.
#[derive(Clone, Copy, Debug)]
struct Filling {
    joined: u32,
    is_open: bool,
}

/// A bucket that is opened by a transaction.
#[derive(Debug)]
struct Opened {
    id: BucketId,
    key: Key,
    recipient: String,
    category: String,
    channel: String,
    priority: Priority,
    at: Timestamp,
    due: Timestamp,
}

/// The digests of a transaction.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    /// The open bucket of each key that was asked for.
    open: HashMap<Key, BucketId>,
    /// The buckets that are open or were opened.
    filling: HashMap<BucketId, Filling>,
    /// Who waits in the buckets that are to leave.
    waiting: HashMap<BucketId, BTreeSet<DeliveryId>>,
    opened: Vec<Opened>,
    joins: Vec<(DeliveryId, BucketId)>,
    /// Those that were there before and have other members now.
    touched: BTreeSet<BucketId>,
    full: BTreeMap<BucketId, Timestamp>,
    leaving: Vec<Leaving>,
}

/// What a transaction changed for those who wait for work or have it.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) has_ready: bool,
    /// Jobs that nobody has any more.
    pub(crate) freed: Vec<Job>,
}

impl Gathering {
    /// Reads which buckets of these keys are open.
    pub(crate) async fn look(
        &mut self,
        db: &mut Session<'_>,
        keys: impl IntoIterator<Item = Key>,
    ) -> Result<()> {
        let keys: BTreeSet<Key> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = keys.into_iter().collect();
        for (key, (id, joined)) in open(db, &keys).await? {
            self.open.insert(key, id);
            let is_open = true;
            self.filling.insert(id, Filling { joined, is_open });
        }
        Ok(())
    }

    /// Reads who waits in the buckets that are to leave with these items.
    pub(crate) async fn look_at_leaving(
        &mut self,
        db: &mut Session<'_>,
        items: &[&Acceptance],
    ) -> Result<()> {
        let mut ids = BTreeSet::new();
        for item in items {
            let Some(flush) = &item.flush else { continue };
            if !load(db, &item.tenant, flush.bucket).await?.is_empty() {
                ids.insert(flush.bucket);
            }
        }
        let ids: Vec<BucketId> = ids.into_iter().collect();
        let mut found = waiting(db, &ids).await?;
        for id in ids {
            let members = found.remove(&id).unwrap_or_default();
            let members = members.into_iter().map(|(_, delivery)| delivery);
            self.waiting.insert(id, members.collect());
        }
        Ok(())
    }

    /// The keys of what joins with an item.
    pub(crate) fn keys(item: &Acceptance, tenant: i64) -> impl Iterator<Item = Key> {
        let deliveries = item.deliveries.iter();
        let joining = deliveries.filter_map(|one| one.digest.as_ref());
        joining.map(move |joining| (tenant, joining.key))
    }

    pub(crate) fn is_open(&self, tenant: i64, key: BucketKey) -> bool {
        self.open.contains_key(&(tenant, key))
    }

    /// Whether a flush names exactly those that wait.
    pub(crate) fn is_whole(&self, flush: &Flush) -> bool {
        let Some(waiting) = self.waiting.get(&flush.bucket) else {
            return false;
        };
        let named: BTreeSet<_> = flush.members().collect();
        named.len() == flush.members().count() && named == *waiting
    }

    /// Notes what an item that is stored joins, opens and lets leave.
    pub(crate) fn add(&mut self, item: &Acceptance, tenant: i64) {
        for delivery in &item.deliveries {
            self.join(item, delivery, tenant);
        }
        let Some(flush) = &item.flush else { return };
        self.waiting.remove(&flush.bucket);
        self.open.retain(|_, id| *id != flush.bucket);
        self.touched.remove(&flush.bucket);
        self.full.remove(&flush.bucket);
        self.leaving.push(Leaving {
            flush: flush.clone(),
            into: item.deliveries.first().map(|delivery| delivery.id),
            now: item.accepted_at,
        });
    }

    fn join(&mut self, item: &Acceptance, delivery: &NewDelivery, tenant: i64) {
        let Some(joining) = &delivery.digest else {
            return;
        };
        let key = (tenant, joining.key);
        let id = match self.open.get(&key) {
            Some(id) => *id,
            None => {
                let id = BucketId::opened_by(delivery.id);
                self.opened.push(Opened {
                    id,
                    key,
                    recipient: delivery.recipient.to_string(),
                    category: joining.category.to_string(),
                    channel: delivery.channel.to_string(),
                    priority: item.priority,
                    at: item.accepted_at,
                    due: joining.due,
                });
                self.open.insert(key, id);
                let (joined, is_open) = (0, true);
                self.filling.insert(id, Filling { joined, is_open });
                id
            }
        };
        let filling = self.filling.get_mut(&id);
        let Some(filling) = filling.filter(|_| joins(&delivery.decision)) else {
            return;
        };
        filling.joined += 1;
        self.joins.push((delivery.id, id));
        self.touched.insert(id);
        if let Some(waiting) = self.waiting.get_mut(&id) {
            waiting.insert(delivery.id);
        }
        if filling.joined >= joining.max_items {
            filling.is_open = false;
            self.open.remove(&key);
            self.full.insert(id, item.accepted_at);
        }
    }

    fn is_empty(&self) -> bool {
        self.opened.is_empty() && self.joins.is_empty() && self.leaving.is_empty()
    }

    /// Writes what was noted: when the deliveries are there. What gives a key free comes before what takes it.
    pub(crate) async fn write(
        mut self,
        db: &mut Session<'_>,
        engine: &Engine,
        whose: Whose,
    ) -> Result<Gathered> {
        let mut gathered = Gathered::default();
        if self.is_empty() {
            return Ok(gathered);
        }
        let gone: Vec<_> = self.leaving.iter().map(|one| one.flush.bucket).collect();
        let text = include_str!("../../../sql/digest_remove.sql");
        let id = |id: &BucketId, args: &mut Args| args.push(&id.as_bytes()[..]);
        db.execute_rows(text, Args::new, &gone, id).await?;
        let opened: BTreeSet<_> = self.opened.iter().map(|one| one.id).collect();
        self.touched.retain(|id| !opened.contains(id));
        self.write_joined(db).await?;
        self.write_opened(db, engine, whose, &mut gathered).await?;
        let text = include_str!("../../../sql/digest_join.sql");
        let row = |(delivery, bucket): &(DeliveryId, BucketId), args: &mut Args| {
            args.push(&delivery.as_bytes()[..]);
            args.push(&bucket.as_bytes()[..]);
        };
        db.execute_rows(text, Args::new, &self.joins, row).await?;
        for (id, now) in &self.full {
            hasten(db, *id, *now).await?;
            gathered.freed.push(job(*id));
            gathered.has_ready = true;
        }
        for leaving in &self.leaving {
            gathered.has_ready |= leave(db, engine, leaving).await?;
        }
        Ok(gathered)
    }

    async fn write_joined(&self, db: &mut Session<'_>) -> Result<()> {
        let touched = self.touched.iter();
        let touched = touched.filter_map(|id| Some((*id, *self.filling.get(id)?)));
        let touched: Vec<_> = touched.collect();
        let text = include_str!("../../../sql/digest_joined.sql");
        let row = |(id, filling): &(BucketId, Filling), args: &mut Args| {
            args.push(&id.as_bytes()[..]);
            args.push(i64::from(filling.joined));
            args.push(filling.is_open);
        };
        db.execute_rows(text, Args::new, &touched, row).await?;
        Ok(())
    }

    async fn write_opened(
        &self,
        db: &mut Session<'_>,
        engine: &Engine,
        whose: Whose,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let text = include_str!("../../../sql/digest_insert.sql");
        db.execute_rows(text, Args::new, &self.opened, |one, args| {
            let filling = self.filling.get(&one.id);
            let (joined, is_open) = filling.map_or((0, true), |one| (one.joined, one.is_open));
            args.push(&one.id.as_bytes()[..]);
            args.push(one.key.0);
            args.push(&one.key.1.as_bytes()[..]);
            args.push(one.recipient.as_str());
            args.push(one.category.as_str());
            args.push(one.channel.as_str());
            args.push(one.at.as_micros());
            args.push(is_open);
            args.push(i64::from(joined));
        })
        .await?;
        for one in &self.opened {
            let new = NewJob::new(job(one.id), one.due, Vec::new());
            let lane = (one.priority, NewJob::CHANNEL);
            let lane = engine.names.lane_no(db, &lane, whose).await?;
            gathered.has_ready |= jobs::insert_one(db, engine, &new, one.key.0, lane).await?;
        }
        Ok(())
    }
}

const fn joins(decision: &Decision) -> bool {
    matches!(decision, Decision::Digest { .. })
}
