//! Messages that may share a call wait a moment for each other: before they are begun, and never those that are urgent.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{ChannelId, ProviderName};
use crate::notification::{OnUnknown, Priority};
use crate::orchestrator::{ProviderSet, ProviderSlot, WorkerOptions};
use crate::provider::{Routing, Scope};
use crate::worker::admit::scope;
use crate::worker::call::PARK_BATCH;
use crate::worker::contain::contain_call;
use crate::worker::recheck::Prepared;

/// What the messages of one call have in common: provider, part of what it reaches, batch key, lane.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    provider: ProviderName,
    scope: Option<Scope>,
    batch: u64,
    priority: Priority,
    channel: ChannelId,
}

/// The groups of one worker that wait for more.
#[derive(Debug, Default)]
pub(super) struct Gather(Mutex<Groups>);

#[derive(Debug, Default)]
struct Groups {
    groups: HashMap<Key, Group>,
    /// The number of the newest group.
    newest: u64,
}

#[derive(Debug)]
struct Group {
    no: u64,
    waiting: Vec<Prepared>,
}

/// What becomes of one message that may share a call.
#[derive(Debug)]
pub(super) enum Gathered {
    /// It waits with others.
    Waits,
    /// It is the first: whoever brought it comes back for the group with this number.
    First(u64),
    /// With it the group is full, and leaves.
    Full(Vec<Prepared>),
}

/// Where a message waits, how many fill a call, and how long it waits at most.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) key: Key,
    most: usize,
    pub(super) linger: Duration,
}

/// Where this message waits for others; `None` if it leaves at once: it is urgent, tried again, cannot share a call, or would be
/// late.
pub(super) fn place(
    options: &WorkerOptions,
    providers: &ProviderSet,
    one: &Prepared,
    now: Timestamp,
) -> Option<Place> {
    let delivery = &one.work.delivery;
    let linger = options.linger(delivery.priority);
    let is_first = one.work.lease.sends == 0 && one.frozen.doubt.is_none();
    if linger.is_zero() || !is_first || ends(one).is_some_and(|end| end.since(now) <= linger * 2) {
        return None;
    }
    let [target] = &one.frozen.targets[..] else {
        return None;
    };
    let order = providers.order(&delivery.channel, Routing::turn(delivery.id));
    let slot: &ProviderSlot = order.first()?;
    let most = most(options, slot, one);
    if most <= 1 {
        return None;
    }
    let batch = contain_call(|| slot.provider.batch_key(&one.message)).unwrap_or(None)?;
    Some(Place {
        key: Key {
            provider: slot.name().clone(),
            scope: scope(slot, target),
            batch,
            priority: delivery.priority,
            channel: delivery.channel.clone(),
        },
        most,
        linger,
    })
}

/// When it is too late to send it, as far as is known.
fn ends(one: &Prepared) -> Option<Timestamp> {
    let ends = [one.work.delivery.expires_at, one.valid_until];
    ends.into_iter().flatten().min()
}

/// How many messages fill a call.
fn most(options: &WorkerOptions, slot: &ProviderSlot, one: &Prepared) -> usize {
    let able = slot.provider.capabilities().batch_max().min(options.gather);
    if one.category.when_unknown() == OnUnknown::Park {
        able.min(PARK_BATCH)
    } else {
        able
    }
}

impl Gather {
    fn lock(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a message wait with those it may share a call with.
    pub(super) fn add(&self, place: &Place, one: Prepared) -> Gathered {
        let mut groups = self.lock();
        if let Some(group) = groups.groups.get_mut(&place.key) {
            group.waiting.push(one);
            if group.waiting.len() < place.most {
                return Gathered::Waits;
            }
            let full = groups.groups.remove(&place.key);
            return Gathered::Full(full.map_or_else(Vec::new, |group| group.waiting));
        }
        groups.newest += 1;
        let no = groups.newest;
        let waiting = vec![one];
        groups
            .groups
            .insert(place.key.clone(), Group { no, waiting });
        Gathered::First(no)
    }

    /// The group with this number, if it has not left.
    pub(super) fn take(&self, key: &Key, no: u64) -> Vec<Prepared> {
        let mut groups = self.lock();
        if groups.groups.get(key).is_none_or(|group| group.no != no) {
            return Vec::new();
        }
        let taken = groups.groups.remove(key);
        taken.map_or_else(Vec::new, |group| group.waiting)
    }

    /// Everything that waits on a channel, or on any: where no place is left, nothing more can come.
    pub(super) fn take_all(&self, channel: Option<&ChannelId>) -> Vec<Vec<Prepared>> {
        let mut groups = self.lock();
        let keys: Vec<Key> = groups
            .groups
            .keys()
            .filter(|key| channel.is_none_or(|channel| key.channel == *channel))
            .cloned()
            .collect();
        let taken = keys.iter().filter_map(|key| groups.groups.remove(key));
        taken.map(|group| group.waiting).collect()
    }
}
