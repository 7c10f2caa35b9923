//! What health is told from without asking anybody: when something was last committed, and what could not be served here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::Delivery;
use crate::health::Unserved as Entry;
use crate::queue::Lease;

/// When this process last saw a commit of the store succeed.
#[derive(Debug, Default)]
pub(crate) struct Commits(Mutex<Option<Monotonic>>);

impl Commits {
    /// One succeeded.
    pub(crate) fn note(&self, at: Monotonic) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(last.map_or(at, |last| last.max(at)));
    }

    /// When the last one succeeded; `None` if there was none yet.
    pub(crate) fn last(&self) -> Option<Monotonic> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What this process gave back since it cannot serve it, by what is missing.
///
/// As many entries as there are causes: a handful, and one for each kind of job, of which there are 256.
#[derive(Debug, Default)]
pub(crate) struct Unserved(Mutex<BTreeMap<String, (u64, Timestamp)>>);

impl Unserved {
    /// A delivery for which something is missing here.
    pub(crate) fn delivery(&self, delivery: &Delivery, missing: &'static str, now: Timestamp) {
        tracing::warn!(
            delivery = %delivery.id,
            missing,
            "this process cannot serve the delivery; leaving it to another"
        );
        metrics::counter!("notifications_released_total", "why" => missing).increment(1);
        self.count(missing.to_owned(), now);
    }

    /// A job of a kind that nobody here knows, or whose delivery is gone.
    pub(crate) fn job(&self, lease: &Lease, now: Timestamp) {
        let kind = lease.job.kind.code();
        // Each loan raises the epoch by one: it says how often this was tried, here and elsewhere.
        let attempts = lease.epoch;
        let (why, what) = if lease.job.delivery().is_some() {
            ("delivery", "delivery".to_owned())
        } else {
            ("job_kind", format!("job kind {kind}"))
        };
        tracing::error!(
            kind,
            attempts,
            missing = why,
            "this process cannot do the job; leaving it to another"
        );
        metrics::counter!("notifications_released_total", "why" => why).increment(1);
        self.count(what, now);
    }

    fn count(&self, what: String, now: Timestamp) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(what).or_default();
        *entry = (entry.0.saturating_add(1), now);
    }

    /// All of it.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = |(what, (times, last_at)): (&String, &(u64, Timestamp))| {
            Entry::new(what.clone(), *times, *last_at)
        };
        entries.iter().map(entry).collect()
    }
}
