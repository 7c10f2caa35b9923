//! Places: how much is under way at a time, so that nobody takes all of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::Notify;

use crate::id::ChannelId;
use crate::notification::Priority;
use crate::queue::NewJob;

/// How many jobs that are no deliveries run at a time in one process: each is a short step, and more would only meet in one commit.
const JOBS: usize = 2;

/// How many deliveries or calls are under way: in all, below critical, and of each channel.
///
/// A channel whose provider hangs fills its own part and no more, so that the others go on.
#[derive(Debug)]
pub(crate) struct Slots {
    total: Share,
    /// Told when there is a place for anything.
    freed: Notify,
    /// Told when there is a place for critical ones.
    freed_critical: Notify,
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
            freed_critical: Notify::new(),
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
        let jobs = (NewJob::CHANNEL, Arc::new(Share::new(JOBS, 0)));
        *self
            .channels
            .write()
            .unwrap_or_else(PoisonError::into_inner) = shares.chain([jobs]).collect();
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

    /// Returns when a place for anything became free.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    /// Returns when a place became free, and wakes the next one that waits here if there are more.
    ///
    /// Who waits for critical ones too is told of the places that are for those only; the others are not, since a wake-up that
    /// helps nobody would be missing elsewhere.
    pub(crate) async fn freed_for(&self, critical: bool) {
        tokio::select! {
            () = self.freed.notified() => {
                if self.total.free(false) > 1 {
                    self.freed.notify_one();
                }
            }
            () = self.freed_critical.notified(), if critical => {
                if self.total.free(true) > 1 {
                    self.freed_critical.notify_one();
                }
            }
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(share) = &self.channel {
            share.give_back(self.critical);
        }
        self.slots.total.give_back(self.critical);
        if self.slots.total.free(false) > 0 {
            self.slots.freed.notify_one();
        }
        self.slots.freed_critical.notify_one();
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

    #[tokio::test]
    async fn a_place_for_critical_ones_wakes_who_can_use_it() {
        let slots = Arc::new(Slots::new(2, 1));
        let _low = slots.take(Priority::Low).expect("a place");
        let critical = slots.take(Priority::Critical).expect("the last place");
        let mut others = Box::pin(slots.freed_for(false));
        let mut urgent = Box::pin(slots.freed_for(true));
        tokio::select! {
            biased;
            () = &mut others => unreachable!("nothing is free"),
            () = &mut urgent => unreachable!("nothing is free"),
            () = std::future::ready(()) => {}
        }
        drop(critical);
        tokio::select! {
            biased;
            () = &mut others => unreachable!("there is no place for them"),
            () = &mut urgent => {}
        }
    }
}
