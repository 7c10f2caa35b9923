//! The providers in use: each with its breaker, its retry budget and its bulkhead, and the route of every channel.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::{Monotonic, Timestamp};
use crate::id::{ChannelId, ProviderName};
use crate::notification::Priority;
use crate::orchestrator::guard::Guards;
use crate::orchestrator::slots::Slots;
use crate::provider::{
    BreakerConfig, BreakerState, Drift, Pace, Provider, ProviderConfig, ProviderHealth, Routing,
    Scope,
};
use crate::rate_limiter::{Quota, QuotaKey};
use crate::retry::RetryBudget;

/// One provider and what keeps it, and everyone else, from harm.
#[derive(Debug)]
pub(crate) struct ProviderSlot {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) guards: Guards,
    /// Since when it is configured as it is: what is known from before is not about it.
    since: Timestamp,
    /// Its limit of a day, where it is configured with one.
    pub(crate) daily: Option<Quota>,
    pub(crate) budget: RetryBudget,
    /// What it is like lately, and how much of its weight in a spread it has for that.
    pace: Mutex<Pace>,
    /// How many deliveries may be on their way to it: those that it is called for, and as many that were begun and wait for their
    /// turn, so that it never idles between two commits; two full batches at least. Lanes below critical take at most four fifths.
    pub(crate) bulkhead: Arc<Slots>,
    /// How many calls it sees at a time: as many as it named.
    pub(crate) calls: Calls,
    /// The keys of its quotas.
    pub(crate) quota: [QuotaKey; 2],
}

impl ProviderSlot {
    pub(crate) fn new(provider: Arc<dyn Provider>, breaker: BreakerConfig) -> Self {
        let calls = provider
            .capabilities()
            .concurrency()
            .clamp(1, Semaphore::MAX_PERMITS);
        let twice = room(provider.as_ref()).saturating_mul(2);
        Self {
            guards: Guards::new(breaker),
            since: Timestamp::EPOCH,
            daily: None,
            budget: RetryBudget::default(),
            pace: Mutex::default(),
            bulkhead: Arc::new(Slots::new(twice, twice / 5)),
            calls: Calls::new(calls),
            quota: ProviderConfig::quota_keys(provider.name()),
            provider,
        }
    }

    /// What it is like lately.
    pub(crate) fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Configured as it is since then, with this limit of a day.
    pub(crate) const fn configured(mut self, since: Timestamp, daily: Option<Quota>) -> Self {
        (self.since, self.daily) = (since, daily);
        self
    }

    /// Whether a record is about what was configured before.
    pub(crate) fn is_older(&self, health: &ProviderHealth) -> bool {
        health.since < self.since
    }

    pub(crate) fn name(&self) -> &ProviderName {
        self.provider.name()
    }
}

/// How many messages a batch that is gathered has at most, by default: what is asked for is seldom more.
pub(crate) const GATHERED: usize = 100;

/// How many deliveries a provider is busy with: one for each call that it takes at a time, and no less than a batch.
fn room(provider: &dyn Provider) -> usize {
    let able = provider.capabilities();
    let calls = able.concurrency().clamp(1, Semaphore::MAX_PERMITS / 2);
    calls.max(able.batch_max().min(GATHERED))
}

/// The calls of one provider: never more at a time than it named, and those below critical at most four fifths of them, so that a
/// provider that hangs on bulk still answers what is critical.
#[derive(Debug)]
pub(crate) struct Calls {
    all: Semaphore,
    below_critical: Semaphore,
}

/// Leave to make one call; given back when dropped.
#[derive(Debug)]
pub(crate) struct CallPermit<'a> {
    /// `None` never: the semaphores are not closed.
    _all: Option<SemaphorePermit<'a>>,
    _below_critical: Option<SemaphorePermit<'a>>,
}

impl Calls {
    fn new(most: usize) -> Self {
        Self {
            all: Semaphore::new(most),
            below_critical: Semaphore::new(most - most / 5),
        }
    }

    /// Returns when this call may be made.
    pub(crate) async fn permit(&self, priority: Priority) -> CallPermit<'_> {
        let below = match priority {
            Priority::Critical => None,
            _ => self.below_critical.acquire().await.ok(),
        };
        CallPermit {
            _below_critical: below,
            _all: self.all.acquire().await.ok(),
        }
    }
}

/// All providers of one configuration, and which of them serve which channel in what order.
#[derive(Debug, Default)]
pub(crate) struct ProviderSet {
    slots: BTreeMap<ProviderName, Arc<ProviderSlot>>,
    routing: BTreeMap<ChannelId, Routing>,
}

impl ProviderSet {
    pub(crate) fn new(
        slots: Vec<Arc<ProviderSlot>>,
        routing: BTreeMap<ChannelId, Routing>,
    ) -> Self {
        Self {
            slots: slots
                .into_iter()
                .map(|slot| (slot.name().clone(), slot))
                .collect(),
            routing,
        }
    }

    pub(crate) fn get(&self, name: &ProviderName) -> Option<&Arc<ProviderSlot>> {
        self.slots.get(name)
    }

    /// All of them.
    pub(crate) fn slots(&self) -> impl Iterator<Item = &Arc<ProviderSlot>> {
        self.slots.values()
    }

    /// The channels that have a route.
    pub(crate) fn channels(&self) -> Vec<ChannelId> {
        self.routing.keys().cloned().collect()
    }

    /// The channels with how many calls their providers take at a time.
    pub(crate) fn calls(&self) -> Vec<(ChannelId, usize)> {
        let calls = |name: &ProviderName| {
            self.slots
                .get(name)
                .map_or(0, |slot| room(slot.provider.as_ref()))
        };
        let sum = |routing: &Routing| {
            let providers = routing.providers().into_iter();
            providers.map(calls).fold(0, usize::saturating_add)
        };
        self.routing
            .iter()
            .map(|(channel, routing)| (channel.clone(), sum(routing)))
            .collect()
    }

    /// The providers of a channel in the order in which `turn` asks them: the same for every attempt of a delivery.
    pub(crate) fn order(&self, channel: &ChannelId, turn: u64) -> Vec<&Arc<ProviderSlot>> {
        let price =
            |name: &ProviderName| self.slots.get(name)?.provider.capabilities().price_micros();
        let share = |name: &ProviderName| self.slots.get(name).map_or(0, |slot| slot.pace().share);
        let Some(routing) = self.routing.get(channel) else {
            return Vec::new();
        };
        if let Routing::One(name) = routing {
            return self.slots.get(name).into_iter().collect();
        }
        routing
            .order_by(turn, &price, &share)
            .iter()
            .filter_map(|name| self.slots.get(name))
            .collect()
    }

    /// Moves the shares of spreads away from providers that are slow or fail, and back.
    pub(crate) fn drift(&self, drift: &Drift, now: Monotonic) {
        for routing in self.routing.values().filter(|routing| routing.has_spread()) {
            let names = routing.providers().into_iter();
            let slots: Vec<_> = names.filter_map(|name| self.slots.get(name)).collect();
            let mut paces: Vec<Pace> = slots.iter().map(|slot| *slot.pace()).collect();
            let before: Vec<u32> = paces.iter().map(|pace| pace.share).collect();
            drift.judge(&mut paces, now);
            for ((slot, pace), before) in slots.into_iter().zip(paces).zip(before) {
                slot.pace().moved_to(&pace);
                if pace.share != before {
                    tracing::info!(provider = %slot.name(), share = pace.share, "share of the spread moved");
                }
            }
        }
    }

    /// Whether at least one provider of the channel takes calls now.
    pub(crate) fn is_open(&self, channel: &ChannelId, now: Monotonic) -> bool {
        let Some(routing) = self.routing.get(channel) else {
            return false;
        };
        let admits = |name: &ProviderName| {
            self.slots
                .get(name)
                .is_some_and(|slot| slot.guards.whole().breaker().would_admit(now))
        };
        routing.providers().into_iter().any(admits)
    }

    pub(crate) fn breakers(&self) -> Vec<(ProviderName, BreakerState)> {
        self.slots
            .values()
            .map(|slot| (slot.name().clone(), slot.guards.whole().breaker().state()))
            .collect()
    }

    /// The breakers of parts of what providers reach that are not closed.
    pub(crate) fn scopes(&self) -> Vec<(ProviderName, Scope, BreakerState)> {
        let mut scopes = Vec::new();
        for slot in self.slots.values() {
            for guard in slot.guards.all() {
                let state = guard.breaker().state();
                if let (Some(scope), false) = (&guard.scope, state.is_closed()) {
                    scopes.push((slot.name().clone(), scope.clone(), state));
                }
            }
        }
        scopes.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bulk_never_takes_the_last_calls() {
        let calls = Calls::new(5);
        let mut bulk = Vec::new();
        for _ in 0..4 {
            bulk.push(calls.permit(Priority::Low).await);
        }
        let mut fifth = Box::pin(calls.permit(Priority::High));
        tokio::select! {
            biased;
            _ = &mut fifth => unreachable!("the fifth is for critical ones"),
            _ = calls.permit(Priority::Critical) => {}
        }
        drop(bulk.pop());
        let _fifth = fifth.await;
    }

    #[tokio::test]
    async fn one_call_at_a_time_is_one_call_at_a_time() {
        let calls = Calls::new(1);
        let first = calls.permit(Priority::Low).await;
        let mut second = Box::pin(calls.permit(Priority::Critical));
        tokio::select! {
            biased;
            _ = &mut second => unreachable!("it named one"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        let _second = second.await;
    }
}
