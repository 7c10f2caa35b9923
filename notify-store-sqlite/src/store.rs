//! The store: one file, one writer, several readers.

use async_trait::async_trait;
use notify_core::audit::AuditStore;
use notify_core::clock::{Clock, Monotonic, Timestamp};
use notify_core::digest::DigestStore;
use notify_core::inbox::InboxStore;
use notify_core::preference::Pepper;
use notify_core::privacy::PrivacyStore;
use notify_core::provider::{HealthStore, ProviderStore};
use notify_core::queue::FeedbackStore;
use notify_core::recipient::RecipientStore;
use notify_core::schedule::ScheduleStore;
use notify_core::store::Store;
use notify_core::template::TemplateStore;
use notify_core::{Error, ErrorKind, Result};
use sqlx::sqlite::SqliteConnection;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

use crate::cache::Caches;
use crate::clock::GuardedClock;
use crate::config::SqliteConfig;
use crate::engine::Engine;
use crate::lock::LockFile;
use crate::names::Names;
use crate::numbers::Numbers;
use crate::open::{Purpose, connect, write_ahead};
use crate::queue::{Cursors, Leases, Turns};
use crate::reader::{Reader, Readers};
use crate::row::{Args, bytes, column};
use crate::session::Session;
use crate::sql::Sql;
use crate::writer::ballast::Ballast;
use crate::writer::{self, Writer};
use crate::{migrate, queue};

/// Every store of notify-core in one SQLite file. Clones share it.
///
/// What is answered is on the disk: power may fail at any time. One process has the file; where several must share a database, use
/// `notify-store-postgres`.
///
/// The tables are the store's own. What each send asks for is kept in memory, so that a change of recipients, preferences or
/// suppressions that is written past this type, with SQL by hand, is seen late or never.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<Engine>,
    writer: Writer,
    readers: Readers,
    path: PathBuf,
}

impl SqliteStore {
    /// Opens the store in this file with the default settings; makes the file if it is not there.
    ///
    /// Returns when everything is as after a clean stop: leases of a process that died are taken back.
    /// Must be called within a tokio runtime, which the store's writer then runs on.
    ///
    /// # Errors
    /// - [`ErrorKind::Config`] if the file is open already (here or in another process), if its schema is newer than this version,
    ///   if somebody else has a table of the same name, or if SQLite is older than 3.51.3.
    /// - [`ErrorKind::Corrupt`] if the file is not an intact database, or somebody changed its tables.
    /// - [`ErrorKind::ReadOnly`] if file or folder cannot be written, [`ErrorKind::Full`] if the disk is full.
    ///
    /// After each of them the file is as it was.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(SqliteConfig::new(path)).await
    }

    pub(crate) async fn open_with(config: SqliteConfig) -> Result<Self> {
        config.validate()?;
        let path = resolve(&config.path)?;
        let lock = LockFile::take(&path)?;
        let mut connection = connect(&path, Purpose::Write, config.busy_timeout).await?;
        let sql = Sql::new(&config.prefix);
        migrate::migrate(&mut connection, &sql, config.clock.now()).await?;
        write_ahead(&mut connection).await?;
        let engine = prepare(&mut connection, sql, &config).await?;
        let ballast = Ballast::prepare(&path, config.ballast, engine.clock.monotonic());
        let (writer, ops) = writer::channel();
        let start = writer::Start {
            path: path.clone(),
            busy: config.busy_timeout,
            connection,
            engine: Arc::clone(&engine),
            ballast,
            lock,
        };
        writer::start(start, ops);
        let readers = Readers::new(
            path.clone(),
            config.busy_timeout,
            Arc::clone(&engine),
            config.readers,
        );
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                writer,
                readers,
                path,
            }),
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What everything about this database shares.
    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.inner.engine
    }

    /// Where writes go; see [`writer`].
    pub(crate) fn writer(&self) -> &Writer {
        &self.inner.writer
    }

    /// A connection to read with; see [`crate::reader`].
    pub(crate) async fn reader(&self) -> Result<Reader> {
        self.inner.readers.get().await
    }
}

/// The path with its folder made absolute: a file has one lock, however it is called.
fn resolve(path: &Path) -> Result<PathBuf> {
    let bad = |why: &str| {
        Error::new(
            ErrorKind::Config,
            format!("the path of the database {why}; change it"),
        )
    };
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let name = path.file_name().ok_or_else(|| bad("names no file"))?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let folder = folder
        .canonicalize()
        .map_err(|e| bad("is in a folder that does not exist").source(e))?;
    Ok(folder.join(name))
}

/// Reads who this database is, and puts in order what a former owner left.
async fn prepare(
    connection: &mut SqliteConnection,
    sql: Sql,
    config: &SqliteConfig,
) -> Result<Arc<Engine>> {
    let mut session = Session::new(connection, &sql);
    let row = session
        .first(include_str!("../sql/meta_load.sql"), Args::new())
        .await?;
    let row = row.ok_or_else(|| crate::error::corrupt("table definition"))?;
    let last = Timestamp::from_micros(column(&row, 2)?);
    let (id, pepper) = (bytes(&row, 0, "store id")?, bytes(&row, 1, "pepper")?);
    let engine = Engine {
        sql,
        id: u128::from_be_bytes(id),
        pepper: Pepper::new(&pepper),
        clock: GuardedClock::new(Arc::clone(&config.clock), last),
        names: Names::default(),
        numbers: Numbers::default(),
        leases: Leases::default(),
        turns: Turns::default(),
        cursors: Cursors::default(),
        caches: Caches::default(),
        wake: Notify::new(),
        #[cfg(feature = "mutants")]
        mutant: config.mutant,
    };
    let mut session = Session::new(connection, &engine.sql);
    session.begin().await?;
    engine.names.load(&mut session).await?;
    queue::recover(&mut session, &engine, engine.clock.now()).await?;
    session.commit().await?;
    Ok(Arc::new(engine))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

/// The engine's clock as a handle of its own.
#[derive(Debug)]
struct StoreClock(Arc<Engine>);

#[async_trait]
impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn monotonic(&self) -> Monotonic {
        self.0.clock.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.clock.sleep(duration).await;
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(StoreClock(Arc::clone(self.engine())))
    }

    fn inbox(self: Arc<Self>) -> Option<Arc<dyn InboxStore>> {
        Some(self)
    }

    fn recipients(self: Arc<Self>) -> Option<Arc<dyn RecipientStore>> {
        Some(self)
    }

    fn templates(self: Arc<Self>) -> Option<Arc<dyn TemplateStore>> {
        Some(self)
    }

    fn providers(self: Arc<Self>) -> Option<Arc<dyn ProviderStore>> {
        Some(self)
    }

    fn audit(self: Arc<Self>) -> Option<Arc<dyn AuditStore>> {
        Some(self)
    }

    fn digests(self: Arc<Self>) -> Option<Arc<dyn DigestStore>> {
        Some(self)
    }

    fn feedback(self: Arc<Self>) -> Option<Arc<dyn FeedbackStore>> {
        Some(self)
    }

    fn privacy(self: Arc<Self>) -> Option<Arc<dyn PrivacyStore>> {
        Some(self)
    }

    fn health(self: Arc<Self>) -> Option<Arc<dyn HealthStore>> {
        Some(self)
    }

    fn schedules(self: Arc<Self>) -> Option<Arc<dyn ScheduleStore>> {
        Some(self)
    }

    async fn check(&self) -> Result<()> {
        let now = self.engine().clock.now().as_micros();
        let put = include_str!("../sql/meta_clock_put.sql");
        let write = self
            .writer()
            .write(move |db| Box::pin(db.execute(put, Args::new().with(now))));
        write.await?;
        let mut reader = self.reader().await?;
        reader
            .session()?
            .first(include_str!("../sql/meta_load.sql"), Args::new())
            .await?;
        Ok(())
    }

    async fn close(&self) {
        self.inner.readers.close();
        self.writer().close().await;
    }
}
