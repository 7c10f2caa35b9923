//! Work that never waits in the queue: what is accepted here, and can be sent here at once, is lent in the commit that stores it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::Delivery;
use crate::id::{ChannelId, OwnerId};
use crate::notification::Priority;
use crate::orchestrator::slots::{Slot, Slots};
use crate::planner::Snapshot;
use crate::queue::Lease;

/// How long after a short claim a lane counts as empty.
const KNOWN_EMPTY: Duration = Duration::from_millis(250);

/// One leased delivery on its way into the local worker.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) lease: Lease,
    pub(crate) delivery: Delivery,
    /// What was read when it was planned, so that it need not be read again.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    pub(crate) slot: Slot,
}

/// The local worker, while one runs.
#[derive(Debug)]
struct Receiver {
    owner: OwnerId,
    lease: Duration,
    sender: UnboundedSender<Handed>,
}

/// The door between accepting and the workers of the same process.
#[derive(Debug)]
pub(crate) struct Local {
    /// Those that run; what can go at once is lent to the youngest.
    receivers: Mutex<Vec<Receiver>>,
    slots: Arc<Slots>,
    empty_since: Mutex<HashMap<(Priority, ChannelId), Monotonic>>,
    last_claim: AtomicI64,
    /// When a worker last came back from asking for work, with or without it.
    last_asked: Mutex<Monotonic>,
}

/// What an accept needs to lend a delivery to this process.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) owner: OwnerId,
    pub(crate) lease: Duration,
    pub(crate) slot: Slot,
    pub(crate) sender: UnboundedSender<Handed>,
}

impl Local {
    pub(crate) fn new(slots: Slots) -> Self {
        let last_claim = AtomicI64::new(i64::MIN);
        Self {
            receivers: Mutex::default(),
            slots: Arc::new(slots),
            empty_since: Mutex::default(),
            last_claim,
            last_asked: Mutex::default(),
        }
    }

    pub(crate) const fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }

    fn receivers(&self) -> MutexGuard<'_, Vec<Receiver>> {
        self.receivers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker runs from now on.
    pub(crate) fn open(
        &self,
        owner: OwnerId,
        lease: Duration,
        sender: UnboundedSender<Handed>,
        now: Monotonic,
    ) {
        self.asked(now);
        self.receivers().push(Receiver {
            owner,
            lease,
            sender,
        });
    }

    /// The worker takes nothing more.
    pub(crate) fn close(&self, owner: OwnerId) {
        self.receivers().retain(|receiver| receiver.owner != owner);
    }

    /// A worker of this process came back from asking for work.
    pub(crate) fn asked(&self, now: Monotonic) {
        *self
            .last_asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Whether the workers of this process, if one runs, asked for work within this time.
    pub(crate) fn is_asking(&self, within: Duration, now: Monotonic) -> bool {
        let last = *self
            .last_asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.receivers().is_empty() || now.since(last) < within
    }

    /// A worker of this process asked for work.
    pub(crate) fn claimed(&self, now: Timestamp) {
        self.last_claim.store(now.as_micros(), Ordering::Relaxed);
    }

    /// When a worker of this process last asked for work.
    pub(crate) fn last_claim(&self) -> Option<Timestamp> {
        let at = self.last_claim.load(Ordering::Relaxed);
        (at != i64::MIN).then(|| Timestamp::from_micros(at))
    }

    /// A claim of this lane came back short: nothing older waits there.
    pub(crate) fn lane_is_empty(
        &self,
        priority: Priority,
        channel: &ChannelId,
        asked_at: Monotonic,
    ) {
        let mut empty = self
            .empty_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        empty.insert((priority, channel.clone()), asked_at);
    }

    /// Something waits in this lane: what is accepted now must not pass it.
    pub(crate) fn lane_has_work(&self, priority: Priority, channel: &ChannelId) {
        let mut empty = self
            .empty_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        empty.remove(&(priority, channel.clone()));
    }

    /// A place in the local worker, if one runs, has a place free, and nothing older is known to wait in the lane.
    pub(crate) fn enter(
        &self,
        priority: Priority,
        channel: &ChannelId,
        now: Monotonic,
    ) -> Option<Door> {
        let fresh = self
            .empty_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(priority, channel.clone()))
            .is_some_and(|since| now.since(*since) < KNOWN_EMPTY);
        if !fresh {
            return None;
        }
        let receivers = self.receivers();
        let receiver = receivers.last()?;
        let slot = self.slots.take_in(priority, channel)?;
        Some(Door {
            owner: receiver.owner,
            lease: receiver.lease,
            slot,
            sender: receiver.sender.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lent_without_a_worker_or_past_older_work() {
        let local = Local::new(Slots::new(4, 1));
        let at = Monotonic::from_start(Duration::from_secs(1));
        let email = ChannelId::EMAIL;
        local.lane_is_empty(Priority::High, &email, at);
        assert!(
            local.enter(Priority::High, &email, at).is_none(),
            "no worker"
        );
        let (sender, _receiver) = tokio::sync::mpsc::unbounded_channel();
        let owner = OwnerId::from_u128(1);
        local.open(owner, Duration::from_secs(60), sender, at);
        assert!(local.enter(Priority::High, &email, at).is_some());
        local.lane_has_work(Priority::High, &email);
        assert!(
            local.enter(Priority::High, &email, at).is_none(),
            "older work waits"
        );
        local.lane_is_empty(Priority::High, &email, at);
        assert!(
            local
                .enter(Priority::High, &email, at + KNOWN_EMPTY)
                .is_none(),
            "known too long ago"
        );
        local.close(owner);
        assert!(local.enter(Priority::High, &email, at).is_none(), "closed");
    }

    #[test]
    fn a_second_worker_takes_over_and_leaves_the_door_to_the_first() {
        let local = Local::new(Slots::new(8, 1));
        let at = Monotonic::from_start(Duration::from_secs(1));
        let email = ChannelId::EMAIL;
        let (first, second) = (OwnerId::from_u128(1), OwnerId::from_u128(2));
        let (door, mut handed) = tokio::sync::mpsc::unbounded_channel::<Handed>();
        local.open(first, Duration::from_secs(60), door, at);
        let (door, _handed) = tokio::sync::mpsc::unbounded_channel();
        local.open(second, Duration::from_secs(60), door, at);
        let owner = || {
            local.lane_is_empty(Priority::High, &email, at);
            Some(local.enter(Priority::High, &email, at)?.owner)
        };
        assert_eq!(owner(), Some(second));
        assert!(
            matches!(
                handed.try_recv(),
                Err(tokio::sync::mpsc::error::TryRecvError::Empty)
            ),
            "the first one's door still stands open"
        );
        local.close(second);
        assert_eq!(owner(), Some(first));
        local.close(first);
        assert_eq!(owner(), None);
    }
}
