//! The numbers of notifications, deliveries and jobs: given out one after the other.

use notify_core::Result;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::row::{Args, column};
use crate::session::Session;

/// The last number that was given out.
///
/// What a transaction took and did not use is lost: so one that is not committed yet needs nobody to know how it ends.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    no: i64,
    /// Whether it is at least what is stored.
    is_read: bool,
}

impl Numbers {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the last number anew before the next is given out.
    pub(crate) fn forget(&self) {
        self.lock().is_read = false;
    }

    /// Gives out so many numbers; answers with the first. In a transaction that writes, whosever it is.
    pub(crate) async fn take(&self, db: &mut Session<'_>, count: usize) -> Result<i64> {
        if !self.lock().is_read {
            let stored = stored(db).await?;
            let mut last = self.lock();
            last.no = last.no.max(stored);
            last.is_read = true;
        }
        let mut last = self.lock();
        let first = last.no + 1;
        last.no += i64::try_from(count).unwrap_or(i64::MAX / 2);
        Ok(first)
    }
}

/// The last number that is stored.
pub(crate) async fn stored(db: &mut Session<'_>) -> Result<i64> {
    let row = db
        .first(include_str!("../sql/number_last.sql"), Args::new())
        .await?;
    row.map_or(Ok(0), |row| column(&row, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::{Purpose, connect};
    use std::time::Duration;

    #[tokio::test]
    async fn no_number_is_given_out_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let store = crate::SqliteStore::open(&path).await.expect("opens");
        let open = || connect(&path, Purpose::Read, Duration::ZERO);
        let (mut ours, mut theirs) = (open().await.expect("opens"), open().await.expect("opens"));
        let sql = &store.engine().sql;
        let (mut ours, mut theirs) = (Session::new(&mut ours, sql), Session::new(&mut theirs, sql));
        let (numbers, mut given) = (Numbers::default(), Vec::new());
        // Neither sees what the other has not committed yet.
        for is_ours in [true, false, false, true] {
            let db = if is_ours { &mut ours } else { &mut theirs };
            let first = numbers.take(db, 2).await.expect("given");
            given.extend([first, first + 1]);
        }
        assert_eq!(given, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
