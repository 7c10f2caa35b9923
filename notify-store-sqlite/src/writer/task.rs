//! The task that owns the writing connection.

use notify_core::clock::{Clock, Timestamp};
use notify_core::{Error, ErrorKind, Result};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::error;
use crate::identity::FileIdentity;
use crate::lock::LockFile;
use crate::open::{Purpose, connect, write_ahead};
use crate::queue::{Care, reload};
use crate::row::{Args, column};
use crate::session::Session;
use crate::writer::ballast::Ballast;
use crate::writer::catch::Caught;
use crate::writer::{Group, Op};

/// The most items of one transaction: more is not faster, and the first waits for the last.
const MOST_ITEMS: usize = 1_024;
/// How often the time is kept, so that it cannot go back by more after a restart.
const KEEP_CLOCK_EVERY: Duration = Duration::from_secs(1);

/// What the task is started with.
pub(crate) struct Start {
    pub(crate) path: PathBuf,
    pub(crate) busy: Duration,
    pub(crate) connection: SqliteConnection,
    pub(crate) engine: Arc<Engine>,
    pub(crate) ballast: Ballast,
    pub(crate) lock: LockFile,
}

/// Starts the task. It ends when the last sender is dropped, or after `Close`.
pub(crate) fn start(start: Start, ops: mpsc::Receiver<Op>) {
    let Start {
        path,
        busy,
        connection,
        engine,
        ballast,
        lock,
    } = start;
    let task = Task {
        identity: FileIdentity::of(&path),
        path,
        busy,
        connection: Some(connection),
        engine,
        ballast,
        clock_kept_at: Timestamp::EPOCH,
        _lock: lock,
    };
    tokio::spawn(task.run(ops));
}

struct Task {
    path: PathBuf,
    identity: Option<FileIdentity>,
    busy: Duration,
    /// `None` after a failure that leaves unknown what it holds; opened again for the next group.
    connection: Option<SqliteConnection>,
    engine: Arc<Engine>,
    ballast: Ballast,
    clock_kept_at: Timestamp,
    /// Held until the connection is closed.
    _lock: LockFile,
}

/// How a transaction ended that did not commit.
enum Failure {
    /// Everything was undone.
    Undone(Error),
    /// The connection is not to be used again; to close it undoes everything.
    Broken(Error),
    /// It may have been committed. The connection is not to be used again.
    Unknown(Error),
    /// An operation panicked. The connection is not to be used again; to close it undoes everything.
    Panicked,
}

impl Task {
    async fn run(mut self, mut ops: mpsc::Receiver<Op>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = ops.recv().await else { break };
            let mut group = Group::default();
            let after = collect(first, &mut group, &mut ops);
            if !group.is_empty() {
                self.write(group).await;
            }
            match after {
                Some(Op::Close(closed)) => closing = Some(closed),
                // Whoever asked may be gone.
                Some(Op::Scrub(scrubbed)) => drop(scrubbed.send(self.scrub().await)),
                _ => {}
            }
        }
        ops.close();
        // What came before the close is finished.
        while let Some(op) = ops.recv().await {
            let mut group = Group::default();
            if let Some(late) = group.push(op) {
                drop(late);
                continue;
            }
            self.write(group).await;
        }
        self.finish().await;
        // The lock is given back before anybody hears that the store is closed, so that it can be opened again at once.
        drop(self);
        if let Some(closed) = closing {
            // Whoever asked may be gone.
            let _ = closed.send(());
        }
    }

    /// Commits the group and answers it; if that fails, operation by operation.
    async fn write(&mut self, mut group: Group) {
        if self.ballast.is_given_up() && !self.ballast.try_restore(self.engine.clock.monotonic()) {
            // What must still be recorded has the room that was given up; what is new has to wait.
            let refused = group.take_accepts();
            refused.answer(&self.engine, Err(full()));
            if group.is_empty() {
                return;
            }
        }
        match self.attempt(&mut group, Care::Less).await {
            Ok(()) => group.answer(&self.engine, Ok(())),
            Err(Failure::Unknown(error)) => group.answer(&self.engine, Err(error)),
            // All of them have waited for the lock: one by one they would wait once more each.
            Err(Failure::Undone(error)) if error.kind() == ErrorKind::Busy => {
                group.answer(&self.engine, Err(error));
            }
            Err(Failure::Undone(error) | Failure::Broken(error)) => {
                if error.kind() == ErrorKind::Full {
                    self.ballast.give_up(self.engine.clock.monotonic());
                    self.checkpoint().await;
                }
                self.one_by_one(group).await;
            }
            Err(Failure::Panicked) => self.one_by_one(group).await,
        }
    }

    async fn one_by_one(&mut self, group: Group) {
        for mut single in group.singles() {
            let outcome = if self.ballast.is_given_up() && single.is_accept_only() {
                Err(full())
            } else {
                match self.attempt(&mut single, Care::More).await {
                    Ok(()) => Ok(()),
                    Err(
                        Failure::Undone(error) | Failure::Broken(error) | Failure::Unknown(error),
                    ) => Err(error),
                    Err(Failure::Panicked) => Err(Error::new(
                        ErrorKind::Unexpected,
                        "a write panicked and was undone; please report it",
                    )),
                }
            };
            single.answer(&self.engine, outcome);
        }
    }

    /// One transaction.
    async fn attempt(&mut self, group: &mut Group, care: Care) -> Result<(), Failure> {
        if FileIdentity::of(&self.path) != self.identity {
            return Err(Failure::Undone(error::removed()));
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reconnect().await.map_err(Failure::Undone)?,
        };
        let now = self.engine.clock.now();
        let keep = now.since(self.clock_kept_at) >= KEEP_CLOCK_EVERY;
        let engine = Arc::clone(&self.engine);
        let mut session = Session::new(&mut connection, &engine.sql).with_common(group.longest());
        let running = Box::pin(transaction(
            &mut session,
            &engine,
            group,
            care,
            keep.then_some(now),
        ));
        let ended = Caught(running).await.unwrap_or(Err(Failure::Panicked));
        match &ended {
            Ok(()) => {
                engine.names.keep_new();
                self.clock_kept_at = if keep { now } else { self.clock_kept_at };
            }
            Err(_) => engine.names.forget_new(),
        }
        if matches!(ended, Ok(()) | Err(Failure::Undone(_))) {
            self.connection = Some(connection);
        }
        ended
    }

    /// A new connection after one was given up: what that one wrote last may have come to light.
    async fn reconnect(&self) -> Result<SqliteConnection> {
        let mut connection = connect(&self.path, Purpose::Write, self.busy).await?;
        write_ahead(&mut connection).await?;
        let mut session = Session::new(&mut connection, &self.engine.sql);
        // With the write lock: what the old connection had open is over.
        session.begin().await?;
        session.flush().await?;
        self.engine.caches.forget();
        self.engine.numbers.forget();
        reload(&mut session, &self.engine).await?;
        session.rollback().await?;
        Ok(connection)
    }

    /// Moves the log into the database, so that it begins anew in the room that it has already: the ballast alone would be used
    /// up by a log that only grows.
    async fn checkpoint(&mut self) {
        if let Some(connection) = &mut self.connection {
            // If there is no room for that either, the next write says so.
            let _ = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)")
                .execute(connection)
                .await;
        }
    }

    /// Moves the log into the database and cuts it: what was overwritten is in neither of them.
    async fn scrub(&mut self) -> Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reconnect().await?,
        };
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut connection)
            .await
            .map_err(error::storage);
        self.connection = Some(connection);
        let is_held: i64 = column(&row?, 0)?;
        if is_held != 0 {
            let why = "a reader holds an older state of the database; ask again when it is done";
            return Err(Error::new(ErrorKind::Busy, why));
        }
        Ok(())
    }

    /// Moves the log into the database and closes it.
    async fn finish(&mut self) {
        if let Some(mut connection) = self.connection.take() {
            // A log that stays is read at the next open.
            let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
                .execute(&mut connection)
                .await;
            let _ = connection.close().await;
        }
    }
}

fn full() -> Error {
    Error::new(ErrorKind::Full, "the disk is full; make room and ask again")
}

/// Takes what waits, up to the size of a transaction; answers with what is done after it, if there is something.
fn collect(first: Op, group: &mut Group, ops: &mut mpsc::Receiver<Op>) -> Option<Op> {
    let mut next = Some(first);
    while let Some(op) = next.take() {
        if let Some(after) = group.push(op) {
            return Some(after);
        }
        if group.items() < MOST_ITEMS {
            next = ops.try_recv().ok();
        }
    }
    None
}

/// Runs and commits the group. After an error that is not `Unknown`, the connection is as before.
async fn transaction(
    session: &mut Session<'_>,
    engine: &Engine,
    group: &mut Group,
    care: Care,
    keep_clock: Option<Timestamp>,
) -> Result<(), Failure> {
    session.begin().await.map_err(Failure::Undone)?;
    let mut result = group.run(session, engine, care).await;
    if let (Ok(()), Some(now)) = (&result, keep_clock) {
        let args = Args::new().with(now.as_micros());
        result = session
            .execute(include_str!("../../sql/meta_clock_put.sql"), args)
            .await
            .map(|_| ());
    }
    if let Err(error) = result {
        return Err(undo(session, error).await);
    }
    #[cfg(feature = "mutants")]
    if engine.mutant == Some(crate::Mutant::AnswerBeforeCommit) {
        group.take_accepts().answer(engine, Ok(()));
        // As with a slow disk: whoever was answered gets ahead of it.
        engine.clock.sleep(Duration::from_millis(2)).await;
    }
    match session.commit().await {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Unknown => Err(Failure::Unknown(error)),
        Err(error) => Err(undo(session, error).await),
    }
}

/// Rolls back; SQLite may have done so itself.
async fn undo(session: &mut Session<'_>, error: Error) -> Failure {
    match session.rollback().await {
        Ok(()) => Failure::Undone(error),
        Err(_) => Failure::Broken(error),
    }
}
