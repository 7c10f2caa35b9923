//! Connections: opened with the settings that durability rests on, and checked to have them.

use notify_core::{Error, ErrorKind, Result};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions, Row};
use std::path::Path;
use std::time::Duration;

use crate::error;

/// The oldest SQLite that is used: older ones may lose commits when a checkpoint meets a writer (fixed in 3.51.3).
const OLDEST: [u32; 3] = [3, 51, 3];
/// Pages in the log before the writer copies them into the database: 16 MiB.
const CHECKPOINT_PAGES: u32 = 4_096;
/// The log is cut to this size when it is begun anew.
const LOG_BYTES: u32 = 64 << 20;
/// The page cache of the writer, in KiB. What a commit touches fits; SQLite walks the whole cache at each commit, and what is not
/// there comes from the operating system's. With 64 MiB that walk took a tenth of a commit.
const WRITER_CACHE_KIB: u32 = 8 << 10;
/// The page cache of each reader, in KiB.
const READER_CACHE_KIB: u32 = 16 << 10;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Write,
    Read,
}

/// Opens one connection; one to write with is ready after [`write_ahead`].
pub(crate) async fn connect(
    path: &Path,
    purpose: Purpose,
    busy: Duration,
) -> Result<SqliteConnection> {
    let cache = if purpose == Purpose::Write {
        WRITER_CACHE_KIB
    } else {
        READER_CACHE_KIB
    };
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(purpose == Purpose::Write)
        .busy_timeout(busy)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .statement_cache_capacity(1_024)
        .row_buffer_size(256)
        .pragma("trusted_schema", "OFF")
        .pragma("cache_size", format!("-{cache}"))
        .pragma("mmap_size", "0");
    if purpose == Purpose::Write {
        options = options
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES.to_string())
            .pragma("journal_size_limit", LOG_BYTES.to_string())
            .pragma("secure_delete", "ON")
            // Only macOS knows it: there what was synced may still be in the drive's cache.
            .pragma("fullfsync", "ON");
    } else {
        options = options.pragma("query_only", "ON");
    }
    let mut connection = options
        .disable_statement_logging()
        .connect()
        .await
        .map_err(error::storage)?;
    if purpose == Purpose::Read {
        check(&mut connection).await?;
    }
    Ok(connection)
}

/// Switches the file to a write-ahead log, which stays, and reads the settings back. Only once it is certain that the file is the
/// store's: another's is left as it is.
pub(crate) async fn write_ahead(connection: &mut SqliteConnection) -> Result<()> {
    sqlx::query("PRAGMA journal_mode = WAL")
        .execute(&mut *connection)
        .await
        .map_err(error::storage)?;
    check(connection).await
}

/// Reads the settings back: what was asked for is not always what is given.
async fn check(connection: &mut SqliteConnection) -> Result<()> {
    let row = sqlx::query(include_str!("../sql/open_check.sql"))
        .fetch_one(&mut *connection)
        .await
        .map_err(error::storage)?;
    let read = |place: usize| row.try_get::<String, _>(place).map_err(error::storage);
    check_version(&read(0)?)?;
    if read(1)? != "wal" {
        return Err(refused(
            "the database cannot keep a write-ahead log; put it on a local disk",
        ));
    }
    if read(2)? != "2" {
        return Err(refused(
            "synchronous is not FULL, so that commits could be lost; build SQLite without overriding it",
        ));
    }
    if read(3)? != "1" || read(4)? != "0" {
        return Err(refused(
            "this SQLite ignores foreign_keys or trusted_schema; use the bundled one",
        ));
    }
    Ok(())
}

fn refused(context: &str) -> Error {
    Error::new(ErrorKind::Config, context)
}

fn check_version(version: &str) -> Result<()> {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = [(); 3].map(|()| parts.next().unwrap_or(0));
    if found < OLDEST {
        return Err(refused(&format!(
            "SQLite {version} is too old; link 3.51.3 or newer, such as the bundled one"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_goes_through_the_cache_of_the_drive() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let connection = connect(&path, Purpose::Write, Duration::ZERO).await;
        let mut connection = connection.expect("opens");
        // macOS leaves what was synced in there unless it is asked for more.
        let full: i64 = sqlx::query_scalar("PRAGMA fullfsync")
            .fetch_one(&mut connection)
            .await
            .expect("reads");
        assert_eq!(full, 1);
    }

    #[test]
    fn old_versions_are_refused() {
        for old in ["3.51.2", "3.40.1", "2.99.99", "", "x"] {
            assert_eq!(
                check_version(old).map_err(|e| e.kind()),
                Err(ErrorKind::Config),
                "{old}"
            );
        }
        for new in ["3.51.3", "3.52.0", "4.0"] {
            assert!(check_version(new).is_ok(), "{new}");
        }
    }
}
