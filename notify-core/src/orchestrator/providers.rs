//! The providers in use: each with its breaker, its retry budget and its bulkhead, and the route of every channel.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::clock::Monotonic;
use crate::id::{ChannelId, ProviderName};
use crate::notification::Priority;
use crate::orchestrator::slots::Slots;
use crate::provider::{Breaker, BreakerConfig, BreakerState, Provider, ProviderConfig, Routing};
use crate::rate_limiter::QuotaKey;
use crate::retry::RetryBudget;

/// One provider and what keeps it, and everyone else, from harm.
#[derive(Debug)]
pub(crate) struct ProviderSlot {
    pub(crate) provider: Arc<dyn Provider>,
    breaker: Mutex<Breaker>,
    pub(crate) budget: RetryBudget,
    /// How many deliveries may be on their way to it: those that it is called for, and as many that were begun and wait for their
    /// turn, so that it never idles between two commits. Lanes below critical take at most four fifths.
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
        let twice = calls.saturating_mul(2);
        Self {
            breaker: Mutex::new(Breaker::new(breaker)),
            budget: RetryBudget::default(),
            bulkhead: Arc::new(Slots::new(twice, twice / 5)),
            calls: Calls::new(calls),
            quota: ProviderConfig::quota_keys(provider.name()),
            provider,
        }
    }

    pub(crate) fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn name(&self) -> &ProviderName {
        self.provider.name()
    }
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

    /// The channels that have a route.
    pub(crate) fn channels(&self) -> Vec<ChannelId> {
        self.routing.keys().cloned().collect()
    }

    /// The channels with how many calls their providers take at a time.
    pub(crate) fn calls(&self) -> Vec<(ChannelId, usize)> {
        let calls = |name: &ProviderName| {
            self.slots
                .get(name)
                .map_or(0, |slot| slot.provider.capabilities().concurrency())
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
        let Some(routing) = self.routing.get(channel) else {
            return Vec::new();
        };
        if let Routing::One(name) = routing {
            return self.slots.get(name).into_iter().collect();
        }
        routing
            .order(turn, &price)
            .iter()
            .filter_map(|name| self.slots.get(name))
            .collect()
    }

    /// Whether at least one provider of the channel takes calls now.
    pub(crate) fn is_open(&self, channel: &ChannelId, now: Monotonic) -> bool {
        let Some(routing) = self.routing.get(channel) else {
            return false;
        };
        let admits = |name: &ProviderName| {
            self.slots
                .get(name)
                .is_some_and(|slot| slot.breaker().would_admit(now))
        };
        routing.providers().into_iter().any(admits)
    }

    pub(crate) fn breakers(&self) -> Vec<(ProviderName, BreakerState)> {
        self.slots
            .values()
            .map(|slot| (slot.name().clone(), slot.breaker().state()))
            .collect()
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
