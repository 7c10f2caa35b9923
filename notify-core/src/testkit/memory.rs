//! The harness of [`MemoryStore`]: the store that every suite runs against first.

use async_trait::async_trait;
use std::sync::Arc;

use crate::clock::{Clock, Timestamp};
use crate::memory::MemoryStore;
use crate::store::Store;
use crate::testkit::{ManualClock, StoreHarness};

/// Opens a [`MemoryStore`] by a clock of its own.
#[derive(Debug)]
pub struct Memory {
    clock: Arc<ManualClock>,
}

impl Memory {
    /// A harness whose clock begins in the year 2027.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a harness is made on purpose")]
    pub fn new() -> Self {
        Self {
            clock: ManualClock::new(Timestamp::from_micros(1_800_000_000_000_000)),
        }
    }
}

#[async_trait]
impl StoreHarness for Memory {
    async fn open(&self) -> Arc<dyn Store> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Arc::new(MemoryStore::with_clock(clock))
    }

    async fn reopen(&self) -> Arc<dyn Store> {
        self.open().await
    }

    fn durable(&self) -> bool {
        false
    }

    fn clock(&self) -> Arc<ManualClock> {
        Arc::clone(&self.clock)
    }
}
