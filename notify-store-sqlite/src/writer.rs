//! The one connection that writes, and the task that owns it: everything that waits is written in one transaction, and answered
//! after its commit.
//!
//! # How a room writes
//!
//! ```text
//! let (tenant, recipients) = (tenant.clone(), recipients.to_vec());
//! self.writer().write(move |db| {
//!     let (tenant, recipients) = (tenant.clone(), recipients.clone()); // cheap clones: the work may run twice
//!     Box::pin(async move {
//!         db.execute_rows(include_str!("../sql/recipient_put.sql"), Args::new, &recipients, |r, args| { … }).await?;
//!         audit::record(db, &tenant, &actor, "recipient.put", subject, now).await
//!     })
//! }).await
//! ```
//!
//! - The work runs inside a transaction that others share. What it answers reaches the caller after the commit.
//! - If it answers with an error, what it wrote is undone, and its neighbours are not disturbed.
//! - It may run more than once (when a neighbour had to be undone), each time on a database where it has not run.
//! - It must not begin, commit or wait for anything but `db`.
//! - A caller that is dropped loses the answer only.

pub(crate) mod ballast;
mod catch;
mod group;
mod task;

pub(crate) use group::{Group, Work};
pub(crate) use task::{Start, start};

use notify_core::{Error, ErrorKind, Result};
use std::future::Future;
use std::pin::Pin;
use tokio::sync::{mpsc, oneshot};

use crate::engine::Engine;
use crate::error;
use crate::queue::{AcceptOp, BeginOp, SettleOp};
use crate::session::Session;

/// A future on the heap.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How many operations may wait for the writer; more wait for a place.
const MOST_WAITING: usize = 4_096;

/// One operation on its way to the writer.
pub(crate) enum Op {
    Accept(AcceptOp),
    Begin(BeginOp),
    Settle(SettleOp),
    Work(Box<dyn Work>),
    /// Leaves nothing of what was erased in the write-ahead log.
    Scrub(oneshot::Sender<Result<()>>),
    Close(oneshot::Sender<()>),
}

/// The way to the task. When the last one is dropped the task finishes what it has, and ends.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    ops: mpsc::Sender<Op>,
}

pub(crate) fn channel() -> (Writer, mpsc::Receiver<Op>) {
    let (ops, receiver) = mpsc::channel(MOST_WAITING);
    (Writer { ops }, receiver)
}

impl Writer {
    /// Runs `work` in the next transaction; see the module.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a, 'c> FnMut(&'a mut Session<'c>) -> Boxed<'a, Result<T>> + Send + 'static,
    {
        self.write_then(work, |_, _| {}).await
    }

    /// As [`write`](Self::write); `after` is called with what the work answered, after the commit and before the caller hears of it.
    pub(crate) async fn write_then<T, F, A>(&self, work: F, after: A) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a, 'c> FnMut(&'a mut Session<'c>) -> Boxed<'a, Result<T>> + Send + 'static,
        A: FnOnce(&Engine, &T) + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.send(Op::Work(Box::new(Closure {
            work,
            after,
            result: None,
            answer,
        })))
        .await?;
        received(answered).await
    }

    pub(crate) async fn send(&self, op: Op) -> Result<()> {
        self.ops.send(op).await.map_err(|_| error::closed())
    }

    /// Finishes what is under way; later operations fail.
    pub(crate) async fn close(&self) {
        let (answer, closed) = oneshot::channel();
        if self.ops.send(Op::Close(answer)).await.is_ok() {
            // Dropped unanswered only if the task is gone, which is what is waited for.
            let _ = closed.await;
        }
    }
}

/// Waits for an answer of the task.
pub(crate) async fn received<T>(answered: oneshot::Receiver<Result<T>>) -> Result<T> {
    answered.await.unwrap_or_else(|_| Err(error::unknown()))
}

/// Work as a closure, with what it answered last.
struct Closure<T, F, A> {
    work: F,
    after: A,
    result: Option<T>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T, F, A> Work for Closure<T, F, A>
where
    T: Send,
    F: for<'a, 'c> FnMut(&'a mut Session<'c>) -> Boxed<'a, Result<T>> + Send,
    A: FnOnce(&Engine, &T) + Send,
{
    fn run<'a>(&'a mut self, db: &'a mut Session<'_>) -> Boxed<'a, Result<()>> {
        let running = (self.work)(db);
        let result = &mut self.result;
        Box::pin(async move {
            *result = Some(running.await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, engine: &Engine, outcome: Result<()>) {
        let Self {
            result,
            answer,
            after,
            ..
        } = *self;
        let nothing = || {
            Error::new(
                ErrorKind::Unexpected,
                "a write ended without an answer; please report it",
            )
        };
        let result = outcome.and_then(|()| result.ok_or_else(nothing));
        if let Ok(result) = &result {
            after(engine, result);
        }
        // Nobody waits any more if the caller was dropped.
        let _ = answer.send(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;
    use crate::names::Whose;
    use notify_core::{ChannelId, Priority};

    #[tokio::test]
    async fn a_name_made_by_work_that_was_undone_is_not_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(folder.path().join("a.db")).await;
        let store = store.expect("opens");
        let lane = (Priority::Normal, ChannelId::from("carrier.pigeon"));
        let (engine, name) = (store.engine(), lane.clone());
        let shared = std::sync::Arc::clone(engine);
        let refused = store.writer().write(move |db| {
            let (shared, name) = (std::sync::Arc::clone(&shared), name.clone());
            Box::pin(async move {
                shared.names.lane_no(db, &name, Whose::Ours).await?;
                Err::<(), _>(Error::new(ErrorKind::Conflict, "refused"))
            })
        });
        let neighbour = store.writer().write(|_| Box::pin(async { Ok(()) }));
        let (refused, neighbour) = tokio::join!(refused, neighbour);
        assert_eq!(refused.expect_err("refused").kind(), ErrorKind::Conflict);
        neighbour.expect("written");
        assert_eq!(engine.names.known().lane(lane.0, &lane.1), None);
    }
}
