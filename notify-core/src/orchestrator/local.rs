//! Work that never waits in the queue: what is accepted here, and can be sent here at once, is lent in the commit that stores it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::clock::{Monotonic, Timestamp};
use crate::delivery::Delivery;
use crate::id::{ChannelId, OwnerId};
use crate::notification::Priority;
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

/// The door between accepting and the worker of the same process.
#[derive(Debug)]
pub(crate) struct Local {
    receiver: Mutex<Option<Receiver>>,
    slots: Arc<Slots>,
    empty_since: Mutex<HashMap<(Priority, ChannelId), Monotonic>>,
    last_claim: AtomicI64,
}

/// How many deliveries or calls are under way: in all, below critical, and of each channel.
///
/// A channel whose provider hangs fills its own part and no more, so that the others go on.
#[derive(Debug)]
pub(crate) struct Slots {
    total: Share,
    freed: Notify,
    channels: RwLock<HashMap<ChannelId, Arc<Share>>>,
}

/// A number of places, of which a part is for critical ones only.
#[derive(Debug)]
struct Share {
    most: usize,
    most_below_critical: usize,
    used: AtomicUsize,
    used_below_critical: AtomicUsize,
}

impl Share {
    fn new(most: usize, reserved: usize) -> Self {
        Self {
            most,
            most_below_critical: most.saturating_sub(reserved).max(1),
            used: AtomicUsize::new(0),
            used_below_critical: AtomicUsize::new(0),
        }
    }

    fn raise(counter: &AtomicUsize, most: usize) -> bool {
        counter
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                (used < most).then_some(used + 1)
            })
            .is_ok()
    }

    fn take(&self, critical: bool) -> bool {
        if !critical && !Self::raise(&self.used_below_critical, self.most_below_critical) {
            return false;
        }
        let taken = Self::raise(&self.used, self.most);
        if !taken && !critical {
            self.used_below_critical.fetch_sub(1, Ordering::AcqRel);
        }
        taken
    }

    fn give_back(&self, critical: bool) {
        if !critical {
            self.used_below_critical.fetch_sub(1, Ordering::AcqRel);
        }
        self.used.fetch_sub(1, Ordering::AcqRel);
    }

    fn free(&self, critical: bool) -> usize {
        let free = self.most.saturating_sub(self.used.load(Ordering::Acquire));
        if critical {
            return free;
        }
        free.min(
            self.most_below_critical
                .saturating_sub(self.used_below_critical.load(Ordering::Acquire)),
        )
    }
}

/// One delivery's or call's place; free again when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    channel: Option<Arc<Share>>,
    critical: bool,
}

impl Slots {
    /// `total` places, of which `reserved` are for critical ones only.
    pub(crate) fn new(total: usize, reserved: usize) -> Self {
        Self {
            total: Share::new(total, reserved),
            freed: Notify::new(),
            channels: RwLock::default(),
        }
    }

    /// Gives each of these channels a part: room for twice the calls that its providers take.
    ///
    /// Alone a channel may fill everything; beside others at most three quarters. Places taken under an earlier part are not counted.
    pub(crate) fn divide(&self, channels: &[(ChannelId, usize)]) {
        let most = if channels.len() == 1 {
            self.total.most
        } else {
            self.total.most * 3 / 4
        };
        let part = |calls: &usize| calls.saturating_mul(2).max(32).min(most.max(1));
        let shares = channels.iter().map(|(channel, calls)| {
            let part = part(calls);
            (channel.clone(), Arc::new(Share::new(part, part / 5)))
        });
        *self
            .channels
            .write()
            .unwrap_or_else(PoisonError::into_inner) = shares.collect();
    }

    fn share(&self, channel: &ChannelId) -> Option<Arc<Share>> {
        self.channels
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(channel)
            .map(Arc::clone)
    }

    /// A place, if there is one, whatever the channel.
    pub(crate) fn take(self: &Arc<Self>, priority: Priority) -> Option<Slot> {
        let critical = priority == Priority::Critical;
        self.total.take(critical).then(|| Slot {
            slots: Arc::clone(self),
            channel: None,
            critical,
        })
    }

    /// A place in a channel's part, if there is one.
    pub(crate) fn take_in(
        self: &Arc<Self>,
        priority: Priority,
        channel: &ChannelId,
    ) -> Option<Slot> {
        let critical = priority == Priority::Critical;
        let share = self.share(channel);
        if share.as_ref().is_some_and(|share| !share.take(critical)) {
            return None;
        }
        if let Some(mut slot) = self.take(priority) {
            slot.channel = share;
            return Some(slot);
        }
        if let Some(share) = share {
            share.give_back(critical);
        }
        None
    }

    /// How many places a lane could take now, whatever the channel.
    pub(crate) fn free(&self, priority: Priority) -> usize {
        self.total.free(priority == Priority::Critical)
    }

    /// How many places a lane could take now in its channel's part.
    pub(crate) fn free_in(&self, priority: Priority, channel: &ChannelId) -> usize {
        let critical = priority == Priority::Critical;
        let free = self.total.free(critical);
        self.share(channel)
            .map_or(free, |share| free.min(share.free(critical)))
    }

    /// Returns when a place became free.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Returns when a place became free, and wakes the next one that waits here if there are more.
    pub(crate) async fn freed_for_all(&self) {
        self.freed.notified().await;
        if self.total.free(true) > 1 {
            self.freed.notify_one();
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(share) = &self.channel {
            share.give_back(self.critical);
        }
        self.slots.total.give_back(self.critical);
        self.slots.freed.notify_one();
    }
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
            receiver: Mutex::default(),
            slots: Arc::new(slots),
            empty_since: Mutex::default(),
            last_claim,
        }
    }

    pub(crate) const fn slots(&self) -> &Arc<Slots> {
        &self.slots
    }

    /// A worker runs from now on.
    pub(crate) fn open(&self, owner: OwnerId, lease: Duration, sender: UnboundedSender<Handed>) {
        *self.receiver.lock().unwrap_or_else(PoisonError::into_inner) = Some(Receiver {
            owner,
            lease,
            sender,
        });
    }

    /// The worker takes nothing more.
    pub(crate) fn close(&self, owner: OwnerId) {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        if receiver
            .as_ref()
            .is_some_and(|receiver| receiver.owner == owner)
        {
            *receiver = None;
        }
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
        let receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = receiver.as_ref()?;
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
    fn lower_lanes_never_take_the_reserved_places() {
        let slots = Arc::new(Slots::new(4, 1));
        let taken: Vec<_> = (0..10).filter_map(|_| slots.take(Priority::Low)).collect();
        assert_eq!(taken.len(), 3);
        let critical = slots.take(Priority::Critical);
        assert!(critical.is_some() && slots.take(Priority::Critical).is_none());
        drop(taken);
        assert_eq!(slots.free(Priority::Low), 3);
    }

    #[test]
    fn a_channel_that_hangs_fills_its_own_part_only() {
        let slots = Arc::new(Slots::new(100, 20));
        slots.divide(&[(ChannelId::EMAIL, 4), (ChannelId::SMS, 64)]);
        let hung: Vec<_> = (0..100)
            .filter_map(|_| slots.take_in(Priority::Low, &ChannelId::EMAIL))
            .collect();
        assert_eq!(hung.len(), 26, "four fifths of 32");
        assert!(slots.free_in(Priority::Low, &ChannelId::SMS) > 40);
        assert!(
            slots
                .take_in(Priority::Critical, &ChannelId::EMAIL)
                .is_some()
        );
        drop(hung);
        assert_eq!(slots.free_in(Priority::Low, &ChannelId::EMAIL), 26);
    }

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
        local.open(owner, Duration::from_secs(60), sender);
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
}
