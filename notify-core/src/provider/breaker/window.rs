//! Calls and faults of the last seconds, in ten slots.

use std::time::Duration;

use super::BreakerConfig;
use crate::clock::Monotonic;

const SLOTS: usize = 10;

/// Counts calls and faults over the last window, to a tenth of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    slots: [Slot; SLOTS],
    /// The number of the newest slot since the clock's beginning.
    newest: u128,
    /// Faults without an answer between them, however old.
    in_a_row: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    calls: u32,
    faults: u32,
}

const EMPTY: Slot = Slot {
    calls: 0,
    faults: 0,
};

impl Window {
    pub(super) const fn new() -> Self {
        Self {
            slots: [EMPTY; SLOTS],
            newest: 0,
            in_a_row: 0,
        }
    }

    /// Counts a call. An earlier `now` than before counts as that one.
    pub(super) fn count(&mut self, length: Duration, now: Monotonic, fault: bool) {
        let slot_length = (length / SLOTS as u32)
            .max(Duration::from_nanos(1))
            .as_nanos();
        let number = now.since(Monotonic::default()).as_nanos() / slot_length;
        if number > self.newest {
            let passed = number - self.newest;
            for step in 1..=passed.min(SLOTS as u128) {
                self.slots[Self::index(self.newest + step)] = EMPTY;
            }
            self.newest = number;
        }
        let slot = &mut self.slots[Self::index(self.newest)];
        slot.calls = slot.calls.saturating_add(1);
        slot.faults = slot.faults.saturating_add(u32::from(fault));
        self.in_a_row = if fault {
            self.in_a_row.saturating_add(1)
        } else {
            0
        };
    }

    /// Whether there are too many faults, as of the last call that was counted.
    pub(super) fn is_bad(&self, config: &BreakerConfig) -> bool {
        let sum = |of: fn(&Slot) -> u32| self.slots.iter().map(|s| u64::from(of(s))).sum::<u64>();
        let (calls, faults) = (sum(|slot| slot.calls), sum(|slot| slot.faults));
        let share = faults * 100 >= calls * u64::from(config.percent);
        (calls >= u64::from(config.min_calls) && share) || self.in_a_row >= config.min_calls
    }

    const fn index(number: u128) -> usize {
        (number % SLOTS as u128) as usize
    }
}
