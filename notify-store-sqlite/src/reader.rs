//! Connections that only read: several at a time, beside the writer.
//!
//! ```text
//! let mut reader = self.reader().await?;
//! let row = reader.session()?.first(include_str!("../sql/recipient_get.sql"), args).await?;
//! ```
//!
//! Each statement sees what was committed when it began: what must fit together is read by one statement. Nothing is left open by
//! a future that is dropped, since no transaction is begun.

use notify_core::Result;
use sqlx::sqlite::SqliteConnection;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::Engine;
use crate::error;
use crate::open::{Purpose, connect};
use crate::session::Session;

/// Reading connections, opened when they are needed.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    busy: Duration,
    engine: Arc<Engine>,
    free: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Option<SqliteConnection>,
    engine: Arc<Engine>,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
    permit: OwnedSemaphorePermit,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, busy: Duration, engine: Arc<Engine>, most: usize) -> Self {
        Self {
            path,
            busy,
            engine,
            free: Arc::new(Semaphore::new(most)),
            idle: Arc::default(),
        }
    }

    /// Waits for a connection.
    pub(crate) async fn get(&self) -> Result<Reader> {
        let permit = Arc::clone(&self.free)
            .acquire_owned()
            .await
            .map_err(|_| error::closed())?;
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path, Purpose::Read, self.busy).await?,
        };
        let (engine, idle) = (Arc::clone(&self.engine), Arc::clone(&self.idle));
        Ok(Reader {
            connection: Some(connection),
            engine,
            idle,
            permit,
        })
    }

    /// Refuses further reads, and closes what is idle.
    pub(crate) fn close(&self) {
        self.free.close();
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

impl Reader {
    /// The connection with its statements.
    pub(crate) fn session(&mut self) -> Result<Session<'_>> {
        let connection = self.connection.as_mut().ok_or_else(error::closed)?;
        Ok(Session::new(connection, &self.engine.sql))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // A closed semaphore means that the store is closed, and with it the connection.
        if let Some(connection) = self.connection.take()
            && !self.permit.semaphore().is_closed()
        {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}
