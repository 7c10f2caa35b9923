//! How the workers of one process work.

use std::time::Duration;

use crate::notification::Priority;
use crate::orchestrator::GATHERED;

/// How the workers of one process work. Every number is bounded, and has a default with a reason.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct WorkerOptions {
    /// How many deliveries are under way at a time. Default 512: enough for 500 calls a second that take a second each.
    pub concurrency: usize,
    /// How many of these are for critical ones only. Default a fifth of `concurrency`.
    pub reserved: usize,
    /// For how long a job is lent. Default 60 s: six times the longest call.
    pub lease: Duration,
    /// How long a call of a provider may take. Default 10 s; at most a third of `lease`.
    pub call_timeout: Duration,
    /// How long to wait for a wake-up before asking for work. Default 100 ms: the bound on a lost wake-up.
    pub poll: Duration,
    /// How long a graceful shutdown waits for calls under way. Default 30 s.
    pub drain: Duration,
    /// How long to leave a job whose handling failed here for reasons of our own. Default 5 s.
    pub backoff: Duration,
    /// How many jobs are taken from the queue at a time. Default 256.
    pub batch: usize,
    /// How many messages that may share a call are gathered at most, if the vendor takes as many. Default 100.
    pub gather: usize,
    /// How long a message of normal priority waits for others to share a call with. Default 200 ms: nobody notices, and at 500 a second
    /// it fills a call. High and critical ones never wait.
    pub linger: Duration,
    /// How long one of low priority does. Default 5 s.
    pub linger_low: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            concurrency: 512,
            reserved: 102,
            lease: Duration::from_secs(60),
            call_timeout: Duration::from_secs(10),
            poll: Duration::from_millis(100),
            drain: Duration::from_secs(30),
            backoff: Duration::from_secs(5),
            batch: 256,
            gather: GATHERED,
            linger: Duration::from_millis(200),
            linger_low: Duration::from_secs(5),
        }
    }
}

impl WorkerOptions {
    /// So many deliveries at a time; a fifth of them for critical ones only.
    #[must_use]
    pub const fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = if concurrency < 2 { 2 } else { concurrency };
        self.reserved = if self.concurrency < 5 {
            1
        } else {
            self.concurrency / 5
        };
        self
    }

    /// Lends jobs for so long; shortens calls to a third of it where they are longer.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_millis(300));
        self.call_timeout = self.call_timeout.min(self.lease / 3);
        self
    }

    /// Lets a call take so long; prolongs the lease to three times it where that is shorter.
    #[must_use]
    pub fn with_call_timeout(mut self, timeout: Duration) -> Self {
        self.call_timeout = timeout;
        self.lease = self.lease.max(timeout * 3);
        self
    }

    /// Asks for work at least so often.
    #[must_use]
    pub const fn with_poll(mut self, poll: Duration) -> Self {
        self.poll = poll;
        self
    }

    /// Waits so long for calls under way at a graceful shutdown.
    #[must_use]
    pub const fn with_drain(mut self, drain: Duration) -> Self {
        self.drain = drain;
        self
    }

    /// Gathers so many messages a call at most, 1 for none; those of normal priority wait so long for each other, those of low
    /// priority at most 25 times as long.
    #[must_use]
    pub fn with_gather(mut self, messages: usize, linger: Duration) -> Self {
        self.gather = messages.max(1);
        (self.linger, self.linger_low) = (linger, linger.saturating_mul(25));
        self
    }

    /// How long a message waits for others to share a call with.
    pub(crate) fn linger(&self, priority: Priority) -> Duration {
        match priority {
            Priority::Critical | Priority::High => Duration::ZERO,
            Priority::Normal => self.linger,
            Priority::Low => self.linger_low,
        }
    }

    /// The same, with every number that cannot work replaced by the nearest one that can.
    pub(crate) fn bounded(mut self) -> Self {
        self.concurrency = self.concurrency.max(2);
        self.reserved = self.reserved.min(self.concurrency - 1);
        self.batch = self.batch.max(1);
        self.poll = self.poll.max(Duration::from_millis(1));
        self.lease = self.lease.max(Duration::from_millis(300));
        self.call_timeout = self.call_timeout.min(self.lease / 3);
        self.gather = self.gather.max(1);
        // What waits for others is not to wait for its lease.
        self.linger = self.linger.min(self.lease / 4);
        self.linger_low = self.linger_low.min(self.lease / 4);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_cannot_work_become_the_nearest_that_can() {
        let mut options = WorkerOptions::default();
        (options.concurrency, options.batch) = (0, 0);
        (options.lease, options.poll) = (Duration::ZERO, Duration::ZERO);
        let options = options.bounded();
        assert_eq!(
            (options.concurrency, options.reserved, options.batch),
            (2, 1, 1)
        );
        assert!(!options.poll.is_zero() && options.call_timeout * 3 <= options.lease);
        let fine = WorkerOptions::default().bounded();
        assert_eq!(fine.call_timeout, Duration::from_secs(10));
    }
}
