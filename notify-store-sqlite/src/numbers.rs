//! The numbers of notifications, deliveries and jobs: given out one after the other.

use notify_core::Result;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::names::Whose;
use crate::row::{Args, column};
use crate::session::Session;

/// The last number that was given out.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    last: Mutex<Last>,
    /// Raised before another's transaction takes numbers.
    foreign: AtomicU64,
}

#[derive(Debug, Default)]
struct Last {
    no: i64,
    /// `foreign` when it was read; `None` before.
    as_of: Option<u64>,
}

impl Numbers {
    fn lock(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the last number anew before the next is given out.
    pub(crate) fn forget(&self) {
        self.lock().as_of = None;
    }

    /// Gives out so many numbers; answers with the first. In a transaction that writes.
    pub(crate) async fn take(
        &self,
        db: &mut Session<'_>,
        count: usize,
        whose: Whose,
    ) -> Result<i64> {
        if whose == Whose::Theirs {
            self.foreign.fetch_add(1, Ordering::SeqCst);
            return Ok(stored(db).await? + 1);
        }
        // The transaction has the write lock: whoever raised this took its numbers before, or takes them after.
        let foreign = self.foreign.load(Ordering::SeqCst);
        if self.lock().as_of != Some(foreign) {
            let no = stored(db).await?;
            let mut last = self.lock();
            *last = Last {
                no: no.max(last.no),
                as_of: Some(foreign),
            };
        }
        let mut last = self.lock();
        let first = last.no + 1;
        last.no += i64::try_from(count).unwrap_or(i64::MAX / 2);
        Ok(first)
    }
}

async fn stored(db: &mut Session<'_>) -> Result<i64> {
    let row = db
        .first(include_str!("../sql/number_last.sql"), Args::new())
        .await?;
    row.map_or(Ok(0), |row| column(&row, 0))
}
