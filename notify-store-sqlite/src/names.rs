//! Names by number: tenants, lanes and words. Numbers are never reused, so that what is known stays true.

use notify_core::delivery::{EventKind, Reason};
use notify_core::notification::Priority;
use notify_core::{ChannelId, Result, TenantId};
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::error;
use crate::row::{Args, column, priority};
use crate::session::Session;

/// Tenants share a lane by shards.
const SHARDS: i64 = 64;

/// The shard in which a tenant's jobs wait.
pub(crate) const fn shard(tenant: i64) -> i64 {
    tenant % SHARDS
}

/// A lane: what a worker claims from.
pub(crate) type Lane = (Priority, ChannelId);

/// The numbers that are known to be committed, and those of the transaction that is open.
#[derive(Debug, Default)]
pub(crate) struct Names {
    known: RwLock<Known>,
}

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Known {
    tenants: Dictionary<TenantId>,
    lanes: Dictionary<Lane>,
    words: Dictionary<Arc<str>>,
    /// In which jobs may wait: those of every tenant there is, and of some that were undone.
    shards: BTreeSet<i64>,
}

#[derive(Debug)]
struct Dictionary<T> {
    numbers: HashMap<T, i64>,
    /// Those of the transaction that is open.
    new: Vec<T>,
}

impl<T> Default for Dictionary<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            new: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Dictionary<T> {
    fn add(&mut self, name: T, no: i64, is_new: bool) {
        if is_new {
            self.new.push(name.clone());
        }
        self.numbers.insert(name, no);
    }

    fn forget_new(&mut self) {
        for name in std::mem::take(&mut self.new) {
            self.numbers.remove(&name);
        }
    }
}

/// Whose transaction a new number is made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The writer's, which says how it ended.
    Ours,
    /// The caller's, which may be undone without our knowing.
    Theirs,
}

impl Known {
    /// The shards in which jobs may wait.
    pub(crate) const fn shards(&self) -> &BTreeSet<i64> {
        &self.shards
    }

    /// The tenant's number, if it is known.
    pub(crate) fn tenant(&self, tenant: &TenantId) -> Option<i64> {
        self.tenants.numbers.get(tenant.as_str()).copied()
    }

    /// The lane's number, if it is known.
    pub(crate) fn lane(&self, priority: Priority, channel: &ChannelId) -> Option<i64> {
        self.lanes
            .numbers
            .get(&(priority, channel.clone()))
            .copied()
    }

    /// The word's number, if it is known.
    pub(crate) fn word<Q>(&self, word: &Q) -> Option<i64>
    where
        Q: Eq + Hash + ?Sized,
        Arc<str>: Borrow<Q>,
    {
        self.words.numbers.get(word).copied()
    }
}

impl Names {
    /// What is known, to look several up.
    pub(crate) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads lanes and words, of which there are few, and makes the words that this version always needs.
    pub(crate) async fn load(&self, db: &mut Session<'_>) -> Result<()> {
        let kinds = EventKind::ALL.iter().map(|kind| kind.as_str());
        let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
        let always: Vec<&str> = kinds.chain(reasons).collect();
        let insert = include_str!("../sql/word_put_all.sql");
        db.execute_rows(insert, Args::new, &always, |word, args| args.push(*word))
            .await?;
        let lanes = db
            .all(include_str!("../sql/lane_all.sql"), Args::new())
            .await?;
        let words = db
            .all(include_str!("../sql/word_all.sql"), Args::new())
            .await?;
        let shards = db
            .all(include_str!("../sql/tenant_shards.sql"), Args::new())
            .await?;
        let mut known = self.write();
        for row in shards {
            known.shards.insert(column(&row, 0)?);
        }
        for row in lanes {
            let lane = (
                priority(column(&row, 1)?)?,
                ChannelId::from(column::<String>(&row, 2)?),
            );
            known.lanes.add(lane, column(&row, 0)?, false);
        }
        for row in words {
            known
                .words
                .add(column::<String>(&row, 1)?.into(), column(&row, 0)?, false);
        }
        Ok(())
    }

    /// The tenant's number, made if it is new.
    pub(crate) async fn tenant_no(
        &self,
        db: &mut Session<'_>,
        tenant: &TenantId,
        whose: Whose,
    ) -> Result<i64> {
        if let Some(no) = self.known().tenant(tenant) {
            return Ok(no);
        }
        let args = Args::new().with(tenant.as_str());
        let no = made(db, include_str!("../sql/tenant_put.sql"), args).await?;
        self.write().shards.insert(shard(no));
        if whose == Whose::Ours {
            self.write().tenants.add(tenant.clone(), no, true);
        }
        Ok(no)
    }

    /// The tenant's number, if there is such a tenant.
    pub(crate) async fn find_tenant(
        &self,
        db: &mut Session<'_>,
        tenant: &TenantId,
    ) -> Result<Option<i64>> {
        if let Some(no) = self.known().tenant(tenant) {
            return Ok(Some(no));
        }
        let args = Args::new().with(tenant.as_str());
        let row = db
            .first(include_str!("../sql/tenant_find.sql"), args)
            .await?;
        row.map(|row| column(&row, 0)).transpose()
    }

    /// The lane's number, made if it is new.
    pub(crate) async fn lane_no(
        &self,
        db: &mut Session<'_>,
        lane: &Lane,
        whose: Whose,
    ) -> Result<i64> {
        if let Some(no) = self.known().lane(lane.0, &lane.1) {
            return Ok(no);
        }
        let args = Args::new()
            .with(i64::from(lane.0.rank()))
            .with(lane.1.as_str());
        let no = made(db, include_str!("../sql/lane_put.sql"), args).await?;
        if whose == Whose::Ours {
            self.write().lanes.add(lane.clone(), no, true);
        }
        Ok(no)
    }

    /// The word's number, made if it is new.
    pub(crate) async fn word_no(
        &self,
        db: &mut Session<'_>,
        word: &str,
        whose: Whose,
    ) -> Result<i64> {
        if let Some(no) = self.known().word(word) {
            return Ok(no);
        }
        let no = made(
            db,
            include_str!("../sql/word_put.sql"),
            Args::new().with(word),
        )
        .await?;
        if whose == Whose::Ours {
            self.write().words.add(word.into(), no, true);
        }
        Ok(no)
    }

    /// The writer's transaction was committed.
    pub(crate) fn keep_new(&self) {
        let has_new = {
            let known = self.known();
            let words = &known.words.new;
            !known.tenants.new.is_empty() || !known.lanes.new.is_empty() || !words.is_empty()
        };
        if has_new {
            let mut known = self.write();
            known.tenants.new.clear();
            known.lanes.new.clear();
            known.words.new.clear();
        }
    }

    /// The writer's transaction was undone.
    pub(crate) fn forget_new(&self) {
        let mut known = self.write();
        known.tenants.forget_new();
        known.lanes.forget_new();
        known.words.forget_new();
    }
}

async fn made(db: &mut Session<'_>, put: &'static str, args: Args) -> Result<i64> {
    let row = db.first(put, args).await?;
    column(&row.ok_or_else(|| error::corrupt("name"))?, 0)
}
