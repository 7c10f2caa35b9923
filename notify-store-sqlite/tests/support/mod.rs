//! What the tests of this crate begin with: a folder of their own, and a store in it by a clock that is set by hand.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use async_trait::async_trait;
use notify_core::clock::{Clock, Timestamp};
use notify_core::store::Store;
use notify_core::testkit::{ManualClock, StoreHarness};
use notify_store_sqlite::{SqliteConfig, SqliteStore};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// When the clocks of tests begin.
pub const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A folder with a database, which goes with it.
pub struct Sqlite {
    folder: TempDir,
    clock: Arc<ManualClock>,
    /// Held open: a process that is killed closes nothing.
    opened: Mutex<Vec<SqliteStore>>,
}

impl Sqlite {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            clock: ManualClock::new(START),
            opened: Mutex::default(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self, name: &str) -> SqliteConfig {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        SqliteConfig::new(self.path(name))
            .with_clock(clock)
            .with_ballast(0)
    }

    pub async fn store(&self) -> SqliteStore {
        self.config("a.db").open().await.expect("the store opens")
    }

    /// The database as a crash leaves it: whatever is on the disk now.
    pub fn copy(&self, from: &str, to: &str) {
        for suffix in ["", "-wal"] {
            let from = self.path(&format!("{from}{suffix}"));
            if from.exists() {
                fs::copy(from, self.path(&format!("{to}{suffix}"))).expect("copied");
            }
        }
    }

    async fn keep(&self, name: &str) -> Arc<dyn Store> {
        let store = self.config(name).open().await.expect("the store opens");
        self.opened
            .lock()
            .expect("not poisoned")
            .push(store.clone());
        Arc::new(store)
    }
}

#[async_trait]
impl StoreHarness for Sqlite {
    async fn open(&self) -> Arc<dyn Store> {
        self.keep("a.db").await
    }

    async fn reopen(&self) -> Arc<dyn Store> {
        self.copy("a.db", "b.db");
        self.keep("b.db").await
    }

    fn durable(&self) -> bool {
        true
    }

    fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }
}
