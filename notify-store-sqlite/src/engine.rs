//! What writer, readers and rooms share: statements, names, clock, and who this database is.

use notify_core::preference::Pepper;
use tokio::sync::Notify;

use crate::cache::Caches;
use crate::clock::GuardedClock;
use crate::names::Names;
use crate::numbers::Numbers;
use crate::queue::{Cursors, Leases, Turns};
use crate::sql::Sql;

/// What everything about one open database shares.
#[derive(Debug)]
pub(crate) struct Engine {
    /// The statements.
    pub(crate) sql: Sql,
    /// Which database issued a stamp.
    pub(crate) id: u128,
    /// The key for hashes of addresses and keys.
    pub(crate) pepper: Pepper,
    /// The clock of this store.
    pub(crate) clock: GuardedClock,
    /// Tenants, lanes and words by number.
    pub(crate) names: Names,
    /// The next numbers of notifications, deliveries and jobs.
    pub(crate) numbers: Numbers,
    /// What is lent.
    pub(crate) leases: Leases,
    /// Whose turn it is in each lane.
    pub(crate) turns: Turns,
    /// How far sweeping has come.
    pub(crate) cursors: Cursors,
    /// Copies of what every send asks for.
    pub(crate) caches: Caches,
    /// Rung when there may be work.
    pub(crate) wake: Notify,
    #[cfg(feature = "mutants")]
    pub(crate) mutant: Option<crate::Mutant>,
}

impl Engine {
    /// Wakes all who wait for work, and the next one, who may have looked just before a commit.
    pub(crate) fn ring(&self) {
        self.wake.notify_waiters();
        self.wake.notify_one();
    }
}
