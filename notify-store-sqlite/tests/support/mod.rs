//! What the tests of this crate begin with: a folder of their own, and a store in it by a clock that is set by hand.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use async_trait::async_trait;
use notify_core::clock::{Clock, Monotonic, Timestamp};
use notify_core::id::{IdGenerator, OwnerId};
use notify_core::queue::{Acceptance, Claim, LaneClaim, Lease, Queue};
use notify_core::store::Store;
use notify_core::testkit::{ManualClock, StoreHarness, sample};
use notify_core::{ChannelId, Priority, TenantId};
use notify_store_sqlite::{SqliteConfig, SqliteStore};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
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

    pub fn now(&self) -> Timestamp {
        Clock::now(&*self.clock)
    }

    /// Lets time pass.
    pub fn pass(&self, time: Duration) -> Timestamp {
        self.clock.advance(time);
        self.now()
    }

    /// A connection of somebody else.
    pub async fn connect(&self, name: &str) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path(name));
        let options = options.create_if_missing(true).busy_timeout(Duration::ZERO);
        options.connect().await.expect("connected")
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

/// A notification of one delivery by mail.
pub fn item(ids: &IdGenerator, recipient: &str, at: Timestamp) -> Acceptance {
    sample::acceptance(ids, &sample::tenant(), recipient, ChannelId::EMAIL, at)
}

/// The tenant of [`item`].
pub fn tenant() -> TenantId {
    sample::tenant()
}

/// Claims all ordinary mail there is, for a minute.
pub async fn claim(store: &SqliteStore, owner: OwnerId, now: Timestamp) -> Vec<Lease> {
    let claim = Claim {
        owner,
        lanes: vec![LaneClaim {
            priority: Priority::Normal,
            channel: ChannelId::EMAIL,
            limit: 1_000,
        }],
        now,
        asked_at: Monotonic::default(),
        ttl: Duration::from_secs(60),
    };
    store.claim(&claim).await.expect("claimed")
}

/// Runs one statement.
pub async fn run(connection: &mut SqliteConnection, sql: &'static str) {
    sqlx::query(sql).execute(connection).await.expect(sql);
}

/// The commits in the write-ahead log of a database, by its format (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>):
/// a frame that ends a commit holds the size of the database.
pub fn commits(database: &Path) -> usize {
    let log = fs::read(database.with_extension("db-wal")).unwrap_or_default();
    let number = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().expect("four bytes"));
    if log.len() < 32 {
        return 0;
    }
    let (page, salt) = (number(8) as usize, &log[16..24]);
    let frames = (32..log.len()).step_by(24 + page);
    let whole = frames.filter(|frame| frame + 24 + page <= log.len());
    // What is left of an earlier round of the log has another salt.
    let current = whole.take_while(|frame| &log[frame + 8..frame + 16] == salt);
    current.filter(|frame| number(frame + 4) != 0).count()
}
