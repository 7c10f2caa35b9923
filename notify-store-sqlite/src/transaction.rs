//! The application's own transaction carries the notification: its commit sends, its rollback sends nothing.

use async_trait::async_trait;
use notify_core::clock::Clock as _;
use notify_core::queue::{Acceptance, Accepted};
use notify_core::store::Transaction;
use notify_core::{Error, ErrorKind, Preferences, Recipient, RecipientId, Result, TenantId};
use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use std::fmt;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error;
use crate::names::Whose;
use crate::preference::load_on;
use crate::queue::{AcceptOp, Care, accept_all};
use crate::recipient::resolve_on;
use crate::session::Session;
use crate::store::SqliteStore;

/// A transaction of the application on the store's own file. Made by [`SqliteStore::within`].
///
/// It reads what the transaction wrote before, past every cache. What it stores is durable when the application commits; nothing is
/// lent before that, and no worker is woken: call [`wake`](notify_core::Orchestrator::wake) after the commit.
///
/// What is refused leaves the rows of the application as they are. After [`ErrorKind::Full`] and [`ErrorKind::Storage`] SQLite may
/// have undone the whole transaction: begin it again.
pub struct SqliteTransaction<'t> {
    connection: &'t mut SqliteConnection,
    engine: Arc<Engine>,
}

impl fmt::Debug for SqliteTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Lets `connection`, which is inside a transaction on this store's file, carry notifications.
    ///
    /// Begin it with `BEGIN IMMEDIATE`: a transaction that begins by reading cannot write once another has written. While it is open
    /// the store's own writes wait for it, so await no plain `send` inside it, and keep it short.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if the connection is not in a transaction or is on another file; [`ErrorKind::Config`] if its
    /// `synchronous` is below `FULL`, which could lose an accepted notification with the power.
    pub async fn within<'t>(
        &self,
        connection: &'t mut SqliteConnection,
    ) -> Result<SqliteTransaction<'t>> {
        let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
            .fetch_one(&mut *connection)
            .await
            .map_err(error::storage)?;
        if synchronous < 2 {
            return Err(Error::new(
                ErrorKind::Config,
                "the connection's `synchronous` is below FULL; set it when connecting",
            ));
        }
        let files = sqlx::query("PRAGMA database_list")
            .fetch_all(&mut *connection)
            .await
            .map_err(error::storage)?;
        let file: String = files
            .iter()
            .find(|row| {
                row.try_get::<String, _>("name")
                    .is_ok_and(|name| name == "main")
            })
            .and_then(|row| row.try_get("file").ok())
            .unwrap_or_default();
        if std::fs::canonicalize(&file).ok() != std::fs::canonicalize(self.path()).ok() {
            return Err(Error::invalid(
                "connection",
                "is not on the file of this store",
            ));
        }
        // A second BEGIN is refused inside a transaction, and only there.
        if sqlx::query("BEGIN").execute(&mut *connection).await.is_ok() {
            sqlx::query("ROLLBACK")
                .execute(&mut *connection)
                .await
                .map_err(error::storage)?;
            return Err(Error::invalid(
                "connection",
                "is not in a transaction; begin one with BEGIN IMMEDIATE",
            ));
        }
        Ok(SqliteTransaction {
            connection,
            engine: Arc::clone(self.engine()),
        })
    }
}

impl SqliteTransaction<'_> {
    fn session(&mut self) -> Session<'_> {
        Session::new(&mut *self.connection, &self.engine.sql)
    }

    async fn control(&mut self, statement: &'static str) -> Result<()> {
        sqlx::query(statement)
            .execute(&mut *self.connection)
            .await
            .map(drop)
            .map_err(error::storage)
    }
}

#[async_trait]
impl Transaction for SqliteTransaction<'_> {
    async fn resolve(
        &mut self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Option<Recipient>>> {
        resolve_on(&mut self.session(), tenant, ids).await
    }

    async fn preferences(
        &mut self,
        tenant: &TenantId,
        ids: &[RecipientId],
    ) -> Result<Vec<Preferences>> {
        let store = self.engine.id;
        load_on(&mut self.session(), store, tenant, ids).await
    }

    async fn accept(&mut self, batch: Vec<Acceptance>) -> Result<Vec<Accepted>> {
        let engine = Arc::clone(&self.engine);
        let mut ops = [AcceptOp::new(
            batch,
            engine.clock.now(),
            engine.clock.monotonic(),
            None,
        )];
        // What fails here leaves the application's own rows as they are.
        self.control("SAVEPOINT notify_accept").await?;
        let mut session = self.session();
        let mut stored =
            accept_all(&mut session, &engine, &mut ops, Care::More, Whose::Theirs).await;
        if stored.is_ok() {
            stored = session.flush().await;
        }
        if let Err(error) = stored {
            // Where SQLite has undone the whole transaction the savepoint is gone too: the first error is the one to tell.
            if self.control("ROLLBACK TO notify_accept").await.is_ok() {
                self.control("RELEASE notify_accept").await?;
            }
            return Err(error);
        }
        self.control("RELEASE notify_accept").await?;
        let [op] = ops;
        Ok(op.results())
    }
}
