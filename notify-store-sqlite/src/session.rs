//! One connection and the statements that run on it: what the writer's work, the readers and the caller's own transaction share.
//!
//! Functions that read or write take `&mut Session<'_>`, so that they work on all three.
//!
//! SQLite runs on a thread of its own, and each trip there and back costs as much as some ten rows. So statements whose answer
//! nobody waits for are put off with [`Session::later`], and go with the next one that is waited for: in the ordinary course that is
//! the `COMMIT`, and a whole transaction is one trip. A text that must not be committed unless it did what memory foresaw guards
//! itself: it ends with a `SELECT` that fails if `changes()` is not what was expected.

use notify_core::Result;
use sqlx::SqlStr;
use sqlx::sqlite::{SqliteConnection, SqliteQueryResult, SqliteRow};

use crate::error;
use crate::row::Args;
use crate::sql::{self, Sql};

/// A connection and the statements that run on it.
#[derive(Debug)]
pub(crate) struct Session<'c> {
    connection: &'c mut SqliteConnection,
    sql: &'c Sql,
    later: Later,
    /// How many rows the lists of what is put off have, if they fit: few different texts stay prepared.
    common: usize,
}

/// What is put off.
#[derive(Debug, Default)]
struct Later {
    texts: Vec<(&'static str, usize)>,
    args: Args,
}

impl<'c> Session<'c> {
    pub(crate) fn new(connection: &'c mut SqliteConnection, sql: &'c Sql) -> Self {
        Self {
            connection,
            sql,
            later: Later::default(),
            common: 1,
        }
    }

    /// Lets the lists of what is put off have as many rows as the longest of them, which has so many.
    pub(crate) const fn with_common(mut self, rows: usize) -> Self {
        self.common = sql::padded(rows);
        self
    }

    /// How many rows a list of so many has in a text that is put off.
    pub(crate) const fn size(&self, rows: usize) -> usize {
        if rows <= self.common {
            self.common
        } else {
            sql::padded(rows)
        }
    }

    /// Puts a text off until the next one that is waited for; `size` is the number of rows of its lists, 0 where it has none.
    ///
    /// Its parameters are added to what is answered. If it fails, what it went with fails.
    pub(crate) async fn later(&mut self, text: &'static str, size: usize) -> Result<&mut Args> {
        // Each at most once, or the number of texts that are kept prepared would have no bound.
        if self
            .later
            .texts
            .iter()
            .any(|(other, _)| std::ptr::eq(*other, text))
        {
            self.flush().await?;
        }
        self.later.texts.push((text, size));
        Ok(&mut self.later.args)
    }

    /// Runs what was put off.
    pub(crate) async fn flush(&mut self) -> Result<()> {
        let Later { texts, args } = std::mem::take(&mut self.later);
        if texts.is_empty() {
            return Ok(());
        }
        let query = sqlx::query_with(self.sql.joined(&texts), args.finish()?);
        query
            .execute(&mut *self.connection)
            .await
            .map(drop)
            .map_err(error::storage)
    }

    /// The text, behind what was put off if that has no parameters; else that is run before.
    async fn behind(&mut self, text: &'static str, size: usize) -> Result<SqlStr> {
        if !self.later.args.is_empty() {
            self.flush().await?;
        }
        let mut texts = std::mem::take(&mut self.later.texts);
        if texts.is_empty() {
            return Ok(self.sql.sized(text, size));
        }
        texts.push((text, size));
        Ok(self.sql.joined(&texts))
    }

    /// Runs a statement; answers with how many rows it changed.
    pub(crate) async fn execute(&mut self, text: &'static str, args: Args) -> Result<u64> {
        Ok(self.run(text, args).await?.rows_affected())
    }

    async fn run(&mut self, text: &'static str, args: Args) -> Result<SqliteQueryResult> {
        // By itself: SQLite counts what the last statement changed that changed anything.
        self.flush().await?;
        let query = sqlx::query_with(self.sql.sized(text, 0), args.finish()?);
        query
            .execute(&mut *self.connection)
            .await
            .map_err(error::storage)
    }

    /// The rows of a query.
    pub(crate) async fn all(&mut self, text: &'static str, args: Args) -> Result<Vec<SqliteRow>> {
        let query = sqlx::query_with(self.behind(text, 0).await?, args.finish()?);
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
        let query = sqlx::query_with(self.behind(text, 0).await?, args.finish()?);
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
        self.flush().await?;
        let mut changed = 0;
        for (size, chunk) in chunks(text, rows) {
            let mut args = head();
            chunk.iter().for_each(|item| row(item, &mut args));
            let query = sqlx::query_with(self.sql.sized(text, size), args.finish()?);
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
            let query = sqlx::query_with(self.behind(text, size).await?, args.finish()?);
            found.extend(
                query
                    .fetch_all(&mut *self.connection)
                    .await
                    .map_err(error::storage)?,
            );
        }
        Ok(found)
    }

    /// Begins a transaction that writes, with the next statement that is waited for.
    pub(crate) async fn begin(&mut self) -> Result<()> {
        self.later("BEGIN IMMEDIATE", 0).await.map(drop)
    }

    /// Runs what was put off, and commits.
    ///
    /// # Errors
    /// `Unknown`, unless it is certain that nothing was stored.
    pub(crate) async fn commit(&mut self) -> Result<()> {
        self.later("COMMIT", 0).await?;
        let Later { texts, args } = std::mem::take(&mut self.later);
        let query = sqlx::query_with(self.sql.joined(&texts), args.finish()?);
        query
            .execute(&mut *self.connection)
            .await
            .map(|_| ())
            .map_err(error::commit)
    }

    /// Undoes what is open; no transaction may be.
    pub(crate) async fn rollback(&mut self) -> Result<()> {
        self.later = Later::default();
        // SQLite ends a transaction by itself after some errors. A new one begins only where none is.
        let undone = self.execute("ROLLBACK", Args::new()).await;
        if undone.is_ok() {
            return Ok(());
        }
        self.script("BEGIN; ROLLBACK").await
    }

    /// The rows of a query whose list of rows has this size.
    pub(crate) async fn all_sized(
        &mut self,
        text: &'static str,
        size: usize,
        args: Args,
    ) -> Result<Vec<SqliteRow>> {
        let query = sqlx::query_with(self.behind(text, size).await?, args.finish()?);
        query
            .fetch_all(&mut *self.connection)
            .await
            .map_err(error::storage)
    }

    /// Runs text that is not kept prepared.
    pub(crate) async fn script(&mut self, text: &str) -> Result<()> {
        self.flush().await?;
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
