//! One process, one store: a lock on a file beside the database, which the system gives back when its owner dies.

use notify_core::{Error, ErrorKind, Result};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Held for as long as the store is open. The file stays: to remove it would let two owners in.
#[derive(Debug)]
pub(crate) struct LockFile {
    _file: File,
}

/// `name` beside the database: `app.db` and `-notify.lock` is `app.db-notify.lock`.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl LockFile {
    /// Takes the lock.
    ///
    /// # Errors
    /// `Config` if another store has it, `ReadOnly` if the file cannot be made.
    pub(crate) fn take(database: &Path) -> Result<Self> {
        let path = beside(database, "-notify.lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(of_the_file)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Config,
                "the database is open in another process, or a second time in this one; \
                 clone the store, or use PostgreSQL (notify-store-postgres) where several processes share one database",
            )),
            Err(TryLockError::Error(e)) => Err(Error::new(
                ErrorKind::Unsupported,
                "the file system of the database cannot lock files; put it on a local disk",
            )
            .source(e)),
        }
    }
}

fn of_the_file(error: io::Error) -> Error {
    let (kind, context) = match error.kind() {
        io::ErrorKind::NotFound => (
            ErrorKind::Config,
            "the folder of the database does not exist; make it, or change the path",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => (
            ErrorKind::Full,
            "the disk is full; make room and open the store again",
        ),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => (
            ErrorKind::ReadOnly,
            "the folder of the database cannot be written; change its rights",
        ),
        _ => (
            ErrorKind::Unavailable,
            "the lock file of the database cannot be opened; check the path",
        ),
    };
    Error::new(kind, context).source(error)
}
