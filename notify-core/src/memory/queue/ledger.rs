//! What was counted for caps, and what content was said to whom.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{DeliveryId, NotificationId, TenantId};
use crate::queue::{CapQuery, CapUse};

/// A tenant and a hash.
type Key = (TenantId, [u8; 32]);

/// Counts and contents, each with the time by which it can be forgotten.
#[derive(Default)]
pub(super) struct Ledger {
    caps: HashMap<Key, Log>,
    caps_over: BTreeSet<(Timestamp, Key)>,
    contents: HashMap<Key, (Timestamp, NotificationId)>,
    contents_over: BTreeSet<(Timestamp, Key)>,
}

/// The deliveries that were counted under one key, oldest first.
#[derive(Default)]
struct Log {
    entries: Vec<(Timestamp, DeliveryId)>,
    of: HashMap<DeliveryId, Timestamp>,
    /// When the last of them is out of every window.
    over: Timestamp,
    /// The longest window that was asked about.
    window: Duration,
}

impl Log {
    fn insert(&mut self, at: Timestamp, delivery: DeliveryId) {
        self.remove(delivery);
        // What is out of every window is forgotten here too: a person who is told something each day would keep it for ever.
        let over = self
            .entries
            .partition_point(|(then, _)| *then + self.window <= at);
        for (_, delivery) in self.entries.drain(..over) {
            self.of.remove(&delivery);
        }
        let place = self
            .entries
            .partition_point(|entry| *entry < (at, delivery));
        self.entries.insert(place, (at, delivery));
        self.of.insert(delivery, at);
    }

    fn remove(&mut self, delivery: DeliveryId) {
        let at = self.of.remove(&delivery);
        let place = at.and_then(|at| self.entries.binary_search(&(at, delivery)).ok());
        place.map(|place| self.entries.remove(place));
    }
}

/// One question about a cap.
pub(super) struct CapQuestion<'a> {
    pub(super) key: [u8; 32],
    pub(super) max: u32,
    pub(super) window: Duration,
    pub(super) delivery: DeliveryId,
    /// What will be counted under the same key in the same commit.
    pub(super) besides: &'a [DeliveryId],
}

impl Ledger {
    /// Whether a delivery may be counted; if not, when that may be different.
    pub(super) fn may_count(
        &self,
        tenant: &TenantId,
        asked: &CapQuestion<'_>,
        now: Timestamp,
    ) -> Result<(), Option<Timestamp>> {
        let log = self.caps.get(&(tenant.clone(), asked.key));
        let entries = log.map_or(&[][..], |log| log.entries.as_slice());
        let first = entries.partition_point(|(at, _)| *at + asked.window <= now);
        let counted = |delivery: &DeliveryId| {
            log.is_some_and(|log| {
                log.of
                    .get(delivery)
                    .is_some_and(|at| *at + asked.window > now)
            })
        };
        let own = usize::from(counted(&asked.delivery));
        let besides = asked.besides.iter();
        let besides = besides
            .filter(|id| **id != asked.delivery && !counted(id))
            .count();
        let others = entries.len() - first - own + besides;
        let max = asked.max as usize;
        if others < max {
            return Ok(());
        }
        let mut rest = entries[first..]
            .iter()
            .filter(|(_, id)| *id != asked.delivery);
        let leaves = rest.nth(others - max).map(|(at, _)| *at + asked.window);
        Err(leaves)
    }

    /// How much counts, and when there is room.
    pub(super) fn usage(&self, tenant: &TenantId, asked: &CapQuery, now: Timestamp) -> CapUse {
        let log = self.caps.get(&(tenant.clone(), asked.key));
        let entries = log.map_or(&[][..], |log| log.entries.as_slice());
        let first = entries.partition_point(|(at, _)| *at + asked.window <= now);
        let counting = &entries[first..];
        let room_at = match counting.len().checked_sub(asked.max as usize) {
            None => Some(now),
            Some(place) => counting.get(place).map(|(at, _)| *at + asked.window),
        };
        CapUse::new(u32::try_from(counting.len()).unwrap_or(u32::MAX), room_at)
    }

    /// Counts a delivery from now on: once, however often.
    pub(super) fn count(&mut self, tenant: &TenantId, asked: &CapQuestion<'_>, now: Timestamp) {
        let key = (tenant.clone(), asked.key);
        let log = self.caps.entry(key.clone()).or_default();
        self.caps_over.remove(&(log.over, key.clone()));
        log.over = log.over.max(now + asked.window);
        log.window = log.window.max(asked.window);
        log.insert(now, asked.delivery);
        self.caps_over.insert((log.over, key));
    }

    /// Gives a delivery back.
    pub(super) fn give_back(&mut self, tenant: &TenantId, key: [u8; 32], delivery: DeliveryId) {
        if let Some(log) = self.caps.get_mut(&(tenant.clone(), key)) {
            log.remove(delivery);
        }
    }

    /// Until when another notification said the same.
    pub(super) fn said_until(
        &self,
        tenant: &TenantId,
        content: [u8; 32],
        by: NotificationId,
    ) -> Option<Timestamp> {
        let said = self.contents.get(&(tenant.clone(), content));
        said.filter(|(_, notification)| *notification != by)
            .map(|(until, _)| *until)
    }

    /// Notes that a notification says something, which counts until then.
    pub(super) fn say(
        &mut self,
        tenant: &TenantId,
        content: [u8; 32],
        by: NotificationId,
        until: Timestamp,
    ) {
        let key = (tenant.clone(), content);
        if let Some((until, _)) = self.contents.insert(key.clone(), (until, by)) {
            self.contents_over.remove(&(until, key.clone()));
        }
        self.contents_over.insert((until, key));
    }

    /// Forgets what counts no more, at most so much; answers whether there is more.
    pub(super) fn sweep(&mut self, now: Timestamp, at_most: usize) -> bool {
        let over = |set: &mut BTreeSet<(Timestamp, Key)>| {
            let first = set.first().is_some_and(|(until, _)| *until <= now);
            first.then(|| set.pop_first()).flatten()
        };
        for _ in 0..at_most {
            let Some((_, key)) = over(&mut self.caps_over) else {
                break;
            };
            self.caps.remove(&key);
        }
        for _ in 0..at_most {
            let Some((_, key)) = over(&mut self.contents_over) else {
                break;
            };
            self.contents.remove(&key);
        }
        let firsts = [self.caps_over.first(), self.contents_over.first()];
        firsts.into_iter().flatten().any(|(until, _)| *until <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_no_more_is_forgotten_even_if_there_is_always_something_new() {
        let (mut ledger, tenant) = (Ledger::default(), TenantId::default());
        let window = Duration::from_secs(60);
        let mut now = Timestamp::EPOCH;
        for no in 0..1_000 {
            now = now + window / 4;
            let question = CapQuestion {
                key: [1; 32],
                max: 10,
                window,
                delivery: DeliveryId::from_u128(no),
                besides: &[],
            };
            ledger.count(&tenant, &question, now);
        }
        let query = CapQuery::new([1; 32], 10, window);
        assert_eq!(ledger.usage(&tenant, &query, now).used, 4);
        let kept = ledger
            .caps
            .values()
            .map(|log| (log.entries.len(), log.of.len()));
        assert_eq!(kept.collect::<Vec<_>>(), [(4, 4)]);
    }
}
