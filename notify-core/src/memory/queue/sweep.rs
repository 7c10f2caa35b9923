//! Forgets what was kept long enough.

use crate::clock::Timestamp;
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
        let mut deliveries = 0;
        while deliveries < PIECE
            && self
                .ended
                .first()
                .is_some_and(|(at, _)| is_old(*at, retention.deliveries))
            && let Some((_, id)) = self.ended.pop_first()
        {
            self.forget(id);
            deliveries += 1;
        }
        let more_caps = self.ledger.sweep(now, PIECE);
        let more = more_caps || keys == PIECE || deliveries == PIECE;
        Swept::new(keys as u64, deliveries as u64, more)
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
