//! Forgets what was kept long enough.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::delivery::DeliveryState;
use crate::id::{DeliveryId, TenantId};
use crate::memory::queue::Tables;
use crate::queue::{KeyHash, Retention, Swept};

/// How much of each one call forgets.
const PIECE: usize = 1_000;

/// How long the key of something that is still open is left alone.
const LATER: Duration = Duration::from_secs(3_600);

impl Tables {
    pub(super) fn sweep(&mut self, now: Timestamp, retention: &Retention) -> Swept {
        let is_old = |at: Timestamp, keep| at + keep <= now;
        let (mut keys, mut kept) = (0, Vec::new());
        while keys < PIECE
            && kept.len() < PIECE
            && self
                .keys_by_age
                .first()
                .is_some_and(|(at, ..)| is_old(*at, retention.keys))
            && let Some((_, tenant, key)) = self.keys_by_age.pop_first()
        {
            if self.has_open(&tenant, key) {
                // Looked at again a while later.
                kept.push((now - retention.keys + LATER, tenant, key));
                continue;
            }
            self.keys.remove(&(tenant, key));
            keys += 1;
        }
        let more_keys = keys == PIECE || kept.len() == PIECE;
        self.keys_by_age.extend(kept);
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
        let more = more_caps || more_keys || [well, dead].contains(&PIECE);
        Swept::new(keys as u64, (well + dead) as u64, more).with_dead_letters(dead as u64)
    }

    /// Whether something is open of what was accepted under a key.
    fn has_open(&self, tenant: &TenantId, key: KeyHash) -> bool {
        let known = self.keys.get(&(tenant.clone(), key));
        let ids = known.and_then(|known| self.notifications.get(&known.notification));
        ids.is_some_and(|(_, ids)| {
            let mut rows = ids.iter().filter_map(|id| self.rows.get(id));
            rows.any(|row| row.delivery.state.is_open())
        })
    }

    /// Removes an ended delivery, and with the last one its notification.
    fn forget(&mut self, id: DeliveryId) {
        let Some(row) = self.rows.remove(&id) else {
            return;
        };
        let delivery = row.delivery;
        self.reports.drop_messages(id, &row.messages);
        self.reports.drop_answers(id, &row.answers);
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
