//! Forgets what was kept long enough.

use std::collections::BTreeSet;

use crate::clock::Timestamp;
use crate::delivery::DeliveryState;
use crate::id::DeliveryId;
use crate::memory::queue::Tables;
use crate::queue::{Retention, Swept};

/// How much of each one call forgets.
const PIECE: usize = 1_000;

impl Tables {
    pub(super) fn sweep(&mut self, now: Timestamp, retention: &Retention) -> Swept {
        let is_old = |at: Timestamp, keep| at + keep <= now;
        let mut keys = 0;
        while keys < PIECE
            && self
                .keys_by_age
                .first()
                .is_some_and(|(at, ..)| is_old(*at, retention.keys))
            && let Some((_, tenant, key)) = self.keys_by_age.pop_first()
        {
            self.keys.remove(&(tenant, key));
            keys += 1;
        }
        let oldest = |ages: &BTreeSet<(Timestamp, DeliveryId)>, state| {
            let first = ages.first().copied();
            first.filter(|(at, _)| is_old(*at, retention.of(state)))
        };
        let (mut well, mut dead) = (0, 0);
        while well < PIECE
            && let Some(age) = oldest(&self.ended, DeliveryState::Sent)
        {
            self.ended.remove(&age);
            self.forget(age.1);
            well += 1;
        }
        while dead < PIECE
            && let Some(age) = oldest(&self.dead_by_age, DeliveryState::Dead)
        {
            self.dead_by_age.remove(&age);
            self.forget(age.1);
            dead += 1;
        }
        let more_caps = self.ledger.sweep(now, PIECE);
        let more = more_caps || [keys, well, dead].contains(&PIECE);
        Swept::new(keys as u64, (well + dead) as u64, more).with_dead_letters(dead as u64)
    }

    /// Removes an ended delivery, and with the last one its notification.
    fn forget(&mut self, id: DeliveryId) {
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        let delivery = row.delivery;
        if let Some(dead) = self.dead.get_mut(&delivery.tenant) {
            dead.remove(&id);
        }
        if let Some(people) = self.people.get_mut(&delivery.tenant)
            && let Some(of_person) = people.get_mut(&delivery.recipient)
        {
            of_person.remove(&id);
            if of_person.is_empty() {
                people.remove(&delivery.recipient);
            }
        }
        if let Some((_, siblings)) = self.notifications.get_mut(&delivery.notification) {
            siblings.retain(|sibling| *sibling != id);
            if siblings.is_empty() {
                self.notifications.remove(&delivery.notification);
            }
        }
    }
}
