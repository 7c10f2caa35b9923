//! How a store is opened.

use notify_core::clock::{Clock, SystemClock};
use notify_core::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::SqliteStore;

/// The longest table prefix, in characters.
const MAX_PREFIX: usize = 32;

/// How a [`SqliteStore`] is opened. Everything but the path has a default.
///
/// ```no_run
/// use notify_store_sqlite::SqliteConfig;
///
/// # async fn open() -> notify_core::Result<()> {
/// let store = SqliteConfig::new("app.db").with_readers(2).with_table_prefix("ntf_").open().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteConfig {
    pub(crate) path: PathBuf,
    pub(crate) readers: usize,
    pub(crate) prefix: String,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) busy_timeout: Duration,
    pub(crate) ballast: u64,
    #[cfg(feature = "mutants")]
    pub(crate) mutant: Option<crate::Mutant>,
}

impl SqliteConfig {
    /// A store in this file, which is made if it is not there.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            readers: 2,
            prefix: "notify_".to_owned(),
            clock: Arc::new(SystemClock::new()),
            busy_timeout: Duration::from_secs(5),
            ballast: 16 << 20,
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }

    /// How many connections read at the same time; at least one. Default: 2.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// What the names of all tables begin with, where the file holds others' tables too. Default: `notify_`.
    ///
    /// Lower-case letters, digits and underscores, a letter first, at most 32 characters.
    #[must_use]
    pub fn with_table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The clock that times are told by. Default: the host's.
    ///
    /// The store's own clock never shows an earlier time than it did before, also across restarts.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// How long a write waits for another connection, such as the application's own, to end its transaction. Default: 5 s.
    #[must_use]
    pub const fn with_busy_timeout(mut self, wait: Duration) -> Self {
        self.busy_timeout = wait;
        self
    }

    /// The size of a file beside the database that is given up when the disk is full, so that what was sent can still be recorded.
    /// New notifications are refused until there is room for it again. Default: 16 MiB, as much as the log has
    /// before it is copied into the database; 0 keeps none.
    #[must_use]
    pub const fn with_ballast(mut self, bytes: u64) -> Self {
        self.ballast = bytes;
        self
    }

    /// Breaks a promise. Not for users.
    #[cfg(feature = "mutants")]
    #[doc(hidden)]
    #[must_use]
    pub const fn with_mutant(mut self, mutant: crate::Mutant) -> Self {
        self.mutant = Some(mutant);
        self
    }

    /// Opens the store.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub async fn open(self) -> Result<SqliteStore> {
        SqliteStore::open_with(self).await
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let bad = |why: &str| {
            Err(Error::new(
                ErrorKind::Config,
                format!("the table prefix {why}; choose another"),
            ))
        };
        let prefix = self.prefix.as_str();
        if prefix.is_empty() || prefix.len() > MAX_PREFIX {
            return bad("must have 1 to 32 characters");
        }
        if !prefix
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            return bad("may hold lower-case letters, digits and underscores only");
        }
        if !prefix.starts_with(|c: char| c.is_ascii_lowercase()) || prefix.starts_with("sqlite_") {
            return bad("must begin with a letter, and not with sqlite_");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_cannot_carry_sql() {
        for good in ["notify_", "n", "app2_ntf_"] {
            assert!(
                SqliteConfig::new("x")
                    .with_table_prefix(good)
                    .validate()
                    .is_ok(),
                "{good}"
            );
        }
        for bad in [
            "",
            "a b",
            "a;",
            "a\"",
            "1a",
            "_a",
            "A",
            "sqlite_x",
            &"x".repeat(33),
        ] {
            let error = SqliteConfig::new("x")
                .with_table_prefix(bad)
                .validate()
                .expect_err(bad);
            assert_eq!(error.kind(), ErrorKind::Config);
        }
    }
}
