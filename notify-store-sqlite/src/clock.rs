//! Time that never goes back: the host's clock, but not before the last time this database was told.

use async_trait::async_trait;
use notify_core::clock::{Clock, Monotonic, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// `max(wall clock, last time told)`; the writer keeps the latter in the database.
#[derive(Debug)]
pub(crate) struct GuardedClock {
    inner: Arc<dyn Clock>,
    last: AtomicI64,
}

impl GuardedClock {
    pub(crate) fn new(inner: Arc<dyn Clock>, last: Timestamp) -> Self {
        Self {
            inner,
            last: AtomicI64::new(last.as_micros()),
        }
    }
}

#[async_trait]
impl Clock for GuardedClock {
    fn now(&self) -> Timestamp {
        let wall = self.inner.now().as_micros();
        let before = self.last.fetch_max(wall, Ordering::AcqRel);
        Timestamp::from_micros(wall.max(before))
    }

    fn monotonic(&self) -> Monotonic {
        self.inner.monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }
}
