//! One connection and the statements that run on it: what the writer's work, the readers and the caller's own transaction share.
//!
//! Functions that read or write take `&mut Session<'_>`, so that they work on all three.

use notify_core::Result;
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult, SqliteRow};

use crate::error;
use crate::row::Args;
use crate::sql::{self, Sql};

/// A connection and the statements that run on it.
#[derive(Debug)]
pub(crate) struct Session<'c> {
    connection: &'c mut SqliteConnection,
    sql: &'c Sql,
}

impl<'c> Session<'c> {
    pub(crate) const fn new(connection: &'c mut SqliteConnection, sql: &'c Sql) -> Self {
        Self { connection, sql }
    }

    /// Runs a statement; answers with how many rows it changed.
    pub(crate) async fn execute(&mut self, text: &'static str, args: Args) -> Result<u64> {
        Ok(self.run(text, args).await?.rows_affected())
    }

    async fn run(&mut self, text: &'static str, args: Args) -> Result<SqliteQueryResult> {
        let query = sqlx::query_with(self.sql.one(text), args.finish()?);
        query
            .execute(&mut *self.connection)
            .await
            .map_err(error::storage)
    }

    /// The rows of a query.
    pub(crate) async fn all(&mut self, text: &'static str, args: Args) -> Result<Vec<SqliteRow>> {
        let query = sqlx::query_with(self.sql.one(text), args.finish()?);
        query
            .fetch_all(&mut *self.connection)
            .await
            .map_err(error::storage)
    }

    /// The first row of a query.
    pub(crate) async fn first(
        &mut self,
        text: &'static str,
        args: Args,
    ) -> Result<Option<SqliteRow>> {
        let query = sqlx::query_with(self.sql.one(text), args.finish()?);
        query
            .fetch_optional(&mut *self.connection)
            .await
            .map_err(error::storage)
    }

    /// Runs a statement with a list of rows (see [`sql`]) for all of `rows`; answers with how many rows it changed.
    ///
    /// `head` makes the parameters before the list; `row` adds those of one row.
    pub(crate) async fn execute_rows<T>(
        &mut self,
        text: &'static str,
        head: impl Fn() -> Args,
        rows: &[T],
        row: impl Fn(&T, &mut Args),
    ) -> Result<u64> {
        let mut changed = 0;
        for (size, chunk) in chunks(text, rows) {
            let mut args = head();
            chunk.iter().for_each(|item| row(item, &mut args));
            let query = sqlx::query_with(self.sql.repeated(text, size), args.finish()?);
            let done = query
                .execute(&mut *self.connection)
                .await
                .map_err(error::storage)?;
            changed += done.rows_affected();
        }
        Ok(changed)
    }

    /// Runs a query with a list of rows (see [`sql`]) for all of `rows`; answers with what it finds, in no order.
    pub(crate) async fn all_rows<T>(
        &mut self,
        text: &'static str,
        head: impl Fn() -> Args,
        rows: &[T],
        row: impl Fn(&T, &mut Args),
    ) -> Result<Vec<SqliteRow>> {
        let mut found = Vec::new();
        for (size, chunk) in chunks(text, rows) {
            let mut args = head();
            chunk.iter().for_each(|item| row(item, &mut args));
            let query = sqlx::query_with(self.sql.repeated(text, size), args.finish()?);
            found.extend(
                query
                    .fetch_all(&mut *self.connection)
                    .await
                    .map_err(error::storage)?,
            );
        }
        Ok(found)
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.execute("BEGIN IMMEDIATE", Args::new())
            .await
            .map(|_| ())
    }

    /// Commits.
    ///
    /// # Errors
    /// `Unknown`, unless it is certain that nothing was stored.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        let query = sqlx::query_with("COMMIT", Args::new().finish()?);
        query
            .execute(&mut *self.connection)
            .await
            .map(|_| ())
            .map_err(error::commit)
    }

    /// Undoes what is open; no transaction may be.
    pub(crate) async fn rollback(&mut self) -> Result<()> {
        // SQLite ends a transaction by itself after some errors. A new one begins only where none is.
        let undone = self.execute("ROLLBACK", Args::new()).await;
        if undone.is_ok() {
            return Ok(());
        }
        self.script("BEGIN; ROLLBACK").await
    }

    /// Runs statements whose lists of rows all have this size; answers with how many rows they changed.
    ///
    /// The parameters are those of all statements, one after the other, with `NULL` for the rows that pad.
    pub(crate) async fn execute_sized(
        &mut self,
        text: &'static str,
        size: usize,
        args: Args,
    ) -> Result<u64> {
        let query = sqlx::query_with(self.sql.repeated(text, size), args.finish()?);
        let done = query
            .execute(&mut *self.connection)
            .await
            .map_err(error::storage)?;
        Ok(done.rows_affected())
    }

    /// The rows of a query whose list of rows has this size.
    pub(crate) async fn all_sized(
        &mut self,
        text: &'static str,
        size: usize,
        args: Args,
    ) -> Result<Vec<SqliteRow>> {
        let query = sqlx::query_with(self.sql.repeated(text, size), args.finish()?);
        query
            .fetch_all(&mut *self.connection)
            .await
            .map_err(error::storage)
    }

    /// Runs text that is not kept prepared.
    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        let text = sqlx::AssertSqlSafe(self.sql.prefixed(text));
        sqlx::raw_sql(text)
            .execute(&mut *self.connection)
            .await
            .map_err(error::storage)?;
        Ok(())
    }
}

/// Pieces of `rows`, each with the number of rows of its statement.
fn chunks<'r, T>(text: &str, rows: &'r [T]) -> Vec<(usize, &'r [T])> {
    let kind = sql::rows_of(text);
    let (mut pieces, mut rest) = (Vec::new(), rows);
    while !rest.is_empty() {
        let size = sql::bucket(kind, rest.len());
        let (chunk, after) = rest.split_at(size.min(rest.len()));
        pieces.push((size, chunk));
        rest = after;
    }
    pieces
}
