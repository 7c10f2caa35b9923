//! What SQLite answers, as an error of this library: a kind to branch on and what to do.

use notify_core::{Error, ErrorKind};

/// Primary result codes of SQLite (<https://www.sqlite.org/rescode.html>).
mod code {
    pub(super) const ERROR: i32 = 1;
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const CONSTRAINT: i32 = 19;
    pub(super) const NOTADB: i32 = 26;
    /// Extended: the index of the log cannot grow. Unlike a file that cannot, SQLite does not call it full.
    pub(super) const IOERR_SHMSIZE: i32 = 10 | (19 << 8);
}

/// The extended result code, if the error is one of SQLite's.
fn result_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// The error of a statement that was not a `COMMIT`: nothing was stored.
pub(crate) fn storage(error: sqlx::Error) -> Error {
    let primary = |code| match code {
        code::IOERR_SHMSIZE => code::FULL,
        code => code & 0xff,
    };
    let (kind, context) = match result_code(&error).map(primary) {
        Some(code::BUSY | code::LOCKED) => (
            ErrorKind::Busy,
            "another connection holds the database's write lock; ask again",
        ),
        Some(code::FULL) => (ErrorKind::Full, "the disk is full; make room and ask again"),
        Some(code::READONLY | code::PERM) => (
            ErrorKind::ReadOnly,
            "the database cannot be written; check the rights of its file and folder",
        ),
        Some(code::CORRUPT | code::NOTADB) => (
            ErrorKind::Corrupt,
            "the file is not an intact SQLite database; restore it from a backup",
        ),
        Some(code::CANTOPEN) => (
            ErrorKind::Unavailable,
            "the database cannot be opened; check its path and the rights of its folder",
        ),
        Some(code::CONSTRAINT) => (
            ErrorKind::Unexpected,
            "a row breaks a constraint of the database; please report it",
        ),
        Some(_) => (ErrorKind::Storage, "the database failed; ask again"),
        None => return other(error),
    };
    Error::new(kind, context).source(error)
}

fn other(error: sqlx::Error) -> Error {
    let (kind, context) = match &error {
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. } => (
            ErrorKind::Corrupt,
            "a stored row does not read back; restore the database from a backup",
        ),
        _ => (
            ErrorKind::Storage,
            "the connection to the database failed; ask again",
        ),
    };
    Error::new(kind, context).source(error)
}

/// The error of a `COMMIT` or of what went with it: unless SQLite says for certain that it wrote nothing, nobody knows.
pub(crate) fn commit(error: sqlx::Error) -> Error {
    match result_code(&error).map(|code| code & 0xff) {
        Some(
            code::BUSY
            | code::LOCKED
            | code::FULL
            | code::READONLY
            // Of a statement before the `COMMIT`.
            | code::ERROR
            | code::CONSTRAINT
            | code::CORRUPT
            | code::NOTADB,
        ) => storage(error),
        _ => unknown().source(error),
    }
}

/// It is not known whether the change was stored.
pub(crate) fn unknown() -> Error {
    Error::new(
        ErrorKind::Unknown,
        "the answer to the commit was lost; ask again with the same items and keys",
    )
}

/// The same error for one more caller; the first keeps the cause.
pub(crate) fn again(error: &Error) -> Error {
    let same = Error::new(error.kind(), bare(error));
    match error.field_name() {
        Some(field) => same.field(field),
        None => same,
    }
}

/// The text without the field that `Display` puts before it.
fn bare(error: &Error) -> String {
    let text = error.to_string();
    let field = error.field_name().map(|field| format!("{field}: "));
    field
        .and_then(|field| text.strip_prefix(&field).map(str::to_owned))
        .unwrap_or(text)
}

/// The store was closed.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Unavailable, "the store is closed; open it again")
}

/// The file is not the one that was opened.
pub(crate) fn removed() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the file of the database was removed or replaced; put it back, or open the store again",
    )
}

/// What is stored does not read back.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("a stored {what} does not read back; restore it or remove its row"),
    )
}

/// Whether it says something about the connection or the file, and not about what was asked.
pub(crate) fn is_of_the_database(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Busy
            | ErrorKind::Full
            | ErrorKind::ReadOnly
            | ErrorKind::Corrupt
            | ErrorKind::Storage
            | ErrorKind::Unavailable
            | ErrorKind::Unknown
    )
}
