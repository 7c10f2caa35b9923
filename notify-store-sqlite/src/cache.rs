//! Copies in memory of what every send asks for: recipients, preferences, suppressions. They are exact.
//!
//! The file belongs to one process, and what that process changes goes through the writer. Whoever
//! changes something says so before it is written ([`Copies::change`]), and keeps what that returns in
//! the work that is handed to the writer, which drops it after the commit:
//!
//! - From the beginning of a change to its end there is no copy of what it touches, and none is kept:
//!   it is read from the database.
//! - A copy is kept only if no change began since before it was read, so that a late reader brings
//!   nothing old back.
//!
//! So a read that begins after a change was answered sees the change, and one that ran beside it sees
//! the state before or after. A caller's own transaction reads through its own connection, never from
//! here. What the application writes into these tables by itself is not seen: it must not do so.

use notify_core::preference::{AddressHash, SuppressionScope};
use notify_core::{ChannelId, Recipient, RecipientId, TenantId};
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, Equivalent, Weighter};
use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::preference::{Person, Rules};
use crate::suppression::Populated;

/// How many keys in one share a state; only misses and changes ask for it.
const STRIPES: usize = 512;
/// What an entry takes besides its value, in bytes, roughly.
const OVERHEAD: u64 = 256;
/// What one cache may take, in bytes, roughly: 100,000 recipients with a mailbox, a phone number and a name.
const MOST_BYTES: u64 = 64 << 20;

/// Every copy of one open database.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    pub(crate) recipients: Copies<RecipientId, Option<Arc<Recipient>>>,
    /// What people want; `None` of someone who said nothing.
    pub(crate) people: Copies<RecipientId, Option<Arc<Person>>>,
    /// The rules of tenants.
    pub(crate) tenants: Copies<(), Arc<Rules>>,
    pub(crate) suppressions: Copies<(ChannelId, AddressHash), Option<SuppressionScope>>,
    /// Where there are suppressions at all.
    pub(crate) populated: Populated,
}

impl Caches {
    /// Drops every copy: after the writer's connection was lost, nobody knows what was committed.
    pub(crate) fn forget(&self) {
        self.recipients.forget();
        self.people.forget();
        self.tenants.forget();
        self.suppressions.forget();
    }
}

/// Copies by tenant and key.
pub(crate) struct Copies<K, V> {
    kept: Cache<Key<K>, Kept<V>, Bytes>,
    stripes: Arc<Stripes>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key<K> {
    tenant: TenantId,
    key: K,
}

/// A [`Key`] to look for; it must hash like one.
#[derive(Hash)]
struct Asked<'a, K> {
    tenant: &'a TenantId,
    key: &'a K,
}

impl<K: Eq + Hash> Equivalent<Key<K>> for Asked<'_, K> {
    fn equivalent(&self, key: &Key<K>) -> bool {
        *self.key == key.key && *self.tenant == key.tenant
    }
}

#[derive(Clone)]
struct Kept<V> {
    value: V,
    bytes: u64,
}

#[derive(Clone)]
struct Bytes;

impl<K, V> Weighter<Key<K>, Kept<V>> for Bytes {
    fn weight(&self, _: &Key<K>, kept: &Kept<V>) -> u64 {
        kept.bytes
    }
}

/// What is known of the changes of some keys.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Stripe {
    /// How many began.
    begun: u64,
    /// How many are under way.
    under_way: u64,
}

struct Stripes {
    hasher: DefaultHashBuilder,
    states: Box<[Mutex<Stripe>]>,
}

impl Stripes {
    fn place(&self, key: &impl Hash) -> usize {
        // The remainder fits, since the number of stripes does.
        usize::try_from(self.hasher.hash_one(key) % STRIPES as u64).unwrap_or_default()
    }

    fn lock(&self, place: usize) -> MutexGuard<'_, Stripe> {
        self.states[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was found of several keys, and what must still be read.
pub(crate) struct Look<V> {
    /// One entry for each key, in order.
    found: Vec<Option<V>>,
    missed: Vec<Missed>,
}

struct Missed {
    at: usize,
    stripe: usize,
    /// What was known before it was read; `None` if a change was under way.
    before: Option<Stripe>,
}

impl<V> Look<V> {
    /// Whether nothing must be read.
    pub(crate) const fn is_complete(&self) -> bool {
        self.missed.is_empty()
    }

    /// What must be read, of the keys that were asked for.
    pub(crate) fn missed<K: Clone>(&self, asked: &[K]) -> Vec<K> {
        self.missed
            .iter()
            .filter_map(|missed| asked.get(missed.at).cloned())
            .collect()
    }

    /// One value for each key, in order. Keys that were never read have none.
    pub(crate) fn values(self) -> impl Iterator<Item = V> {
        self.found.into_iter().flatten()
    }
}

impl<K: Clone + Eq + Hash, V: Clone> Copies<K, V> {
    /// Looks for copies.
    pub(crate) fn look(&self, tenant: &TenantId, asked: &[K]) -> Look<V> {
        let mut look = Look {
            found: Vec::with_capacity(asked.len()),
            missed: Vec::new(),
        };
        for (at, key) in asked.iter().enumerate() {
            let asked = Asked { tenant, key };
            let kept = self.kept.get(&asked);
            if kept.is_none() {
                let stripe = self.stripes.place(&asked);
                let state = *self.stripes.lock(stripe);
                let before = (state.under_way == 0).then_some(state);
                look.missed.push(Missed { at, stripe, before });
            }
            look.found.push(kept.map(|kept| kept.value));
        }
        look
    }

    /// Takes in what was read after [`look`](Self::look): for each key that was missed, in order, the value and how long its JSON is.
    pub(crate) fn fill(
        &self,
        tenant: &TenantId,
        asked: &[K],
        look: &mut Look<V>,
        read: impl IntoIterator<Item = (V, usize)>,
    ) {
        for (missed, (value, bytes)) in std::mem::take(&mut look.missed).into_iter().zip(read) {
            if let (Some(before), Some(key)) = (missed.before, asked.get(missed.at)) {
                let kept = Kept {
                    value: value.clone(),
                    // In memory a value takes about twice as much as its JSON.
                    bytes: 2 * bytes as u64 + OVERHEAD,
                };
                let state = self.stripes.lock(missed.stripe);
                if *state == before {
                    // Under the lock: a change that begins now waits, and then takes it out.
                    self.kept.insert(
                        Key {
                            tenant: tenant.clone(),
                            key: key.clone(),
                        },
                        kept,
                    );
                }
            }
            if let Some(place) = look.found.get_mut(missed.at) {
                *place = Some(value);
            }
        }
    }

    /// Begins a change of these keys. Asked before the change is handed to the writer, and kept until after its commit.
    pub(crate) fn change<'k>(
        &self,
        tenant: &TenantId,
        keys: impl IntoIterator<Item = &'k K>,
    ) -> Changing
    where
        K: 'k,
    {
        let mut places = BTreeSet::new();
        for key in keys {
            let asked = Asked { tenant, key };
            let place = self.stripes.place(&asked);
            let mut state = self.stripes.lock(place);
            state.begun += 1;
            state.under_way += u64::from(places.insert(place));
            self.kept.remove(&asked);
        }
        Changing {
            stripes: Arc::clone(&self.stripes),
            places,
        }
    }
}

impl<K: Eq + Hash, V: Clone> Copies<K, V> {
    fn forget(&self) {
        for place in 0..STRIPES {
            self.stripes.lock(place).begun += 1;
        }
        // What is kept in between was read after the connection was opened again.
        self.kept.clear();
    }
}

impl<K: Eq + Hash, V: Clone> Default for Copies<K, V> {
    fn default() -> Self {
        let hasher = DefaultHashBuilder::default();
        let items = usize::try_from(MOST_BYTES / (2 * OVERHEAD)).unwrap_or(usize::MAX);
        let kept = Cache::with(
            items,
            MOST_BYTES,
            Bytes,
            hasher.clone(),
            DefaultLifecycle::default(),
        );
        let states = (0..STRIPES).map(|_| Mutex::default()).collect();
        Self {
            kept,
            stripes: Arc::new(Stripes { hasher, states }),
        }
    }
}

impl<K, V> fmt::Debug for Copies<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copies").finish_non_exhaustive()
    }
}

/// A change under way. It ends when this is dropped.
#[must_use = "a change that ends before its commit lets old copies in"]
pub(crate) struct Changing {
    stripes: Arc<Stripes>,
    places: BTreeSet<usize>,
}

impl Drop for Changing {
    fn drop(&mut self) {
        for place in &self.places {
            self.stripes.lock(*place).under_way -= 1;
        }
    }
}

impl fmt::Debug for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changing").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies() -> (Copies<RecipientId, u32>, TenantId, [RecipientId; 1]) {
        (
            Copies::default(),
            TenantId::new("acme"),
            [RecipientId::new("ada")],
        )
    }

    fn kept(copies: &Copies<RecipientId, u32>, tenant: &TenantId, ids: &[RecipientId]) -> Vec<u32> {
        copies.look(tenant, ids).values().collect()
    }

    fn read(copies: &Copies<RecipientId, u32>, tenant: &TenantId, ids: &[RecipientId], value: u32) {
        let mut look = copies.look(tenant, ids);
        copies.fill(tenant, ids, &mut look, [(value, 4)]);
        assert_eq!(
            look.values().collect::<Vec<_>>(),
            [value],
            "a reader sees what it read"
        );
    }

    #[test]
    fn what_was_read_is_found_again_and_only_there() {
        let (copies, tenant, ids) = copies();
        read(&copies, &tenant, &ids, 1);
        assert_eq!(kept(&copies, &tenant, &ids), [1]);
        assert!(kept(&copies, &TenantId::new("globex"), &ids).is_empty());
        assert!(kept(&copies, &tenant, &["Ada".into()]).is_empty());
        assert_eq!(
            copies
                .look(&tenant, &["bob".into(), "ada".into()])
                .missed(&["b", "a"]),
            ["b"]
        );
    }

    #[test]
    fn while_a_change_is_under_way_nothing_is_kept() {
        let (copies, tenant, ids) = copies();
        read(&copies, &tenant, &ids, 1);
        let first = copies.change(&tenant, &ids);
        let second = copies.change(&tenant, &ids);
        assert!(kept(&copies, &tenant, &ids).is_empty());
        drop(second);
        read(&copies, &tenant, &ids, 1);
        assert!(kept(&copies, &tenant, &ids).is_empty(), "the first goes on");
        drop(first);
        read(&copies, &tenant, &ids, 2);
        assert_eq!(kept(&copies, &tenant, &ids), [2]);
    }

    #[test]
    fn a_late_reader_brings_nothing_old_back() {
        let (copies, tenant, ids) = copies();
        let mut before = copies.look(&tenant, &ids);
        let change = copies.change(&tenant, &ids);
        let mut during = copies.look(&tenant, &ids);
        drop(change);
        copies.fill(&tenant, &ids, &mut before, [(1, 4)]);
        copies.fill(&tenant, &ids, &mut during, [(1, 4)]);
        assert!(kept(&copies, &tenant, &ids).is_empty());
        read(&copies, &tenant, &ids, 2);
        assert_eq!(kept(&copies, &tenant, &ids), [2]);
    }

    #[test]
    fn a_change_of_many_keys_ends_for_each_of_them() {
        let (copies, tenant, _) = copies();
        let ids: Vec<_> = (0..3_000)
            .map(|n| RecipientId::from(format!("{n}")))
            .collect();
        drop(copies.change(&tenant, &ids));
        assert!(
            copies
                .stripes
                .states
                .iter()
                .all(|state| state.lock().expect("lock").under_way == 0)
        );
        copies.forget();
        for id in &ids {
            read(&copies, &tenant, std::slice::from_ref(id), 7);
        }
        assert_eq!(kept(&copies, &tenant, &ids).len(), ids.len());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (copies, tenant, _) = copies();
        for n in 0..200_u32 {
            let ids = [RecipientId::from(format!("{n}"))];
            let mut look = copies.look(&tenant, &ids);
            copies.fill(&tenant, &ids, &mut look, [(n, 1 << 19)]);
        }
        assert!(copies.kept.weight() <= MOST_BYTES);
    }
}
