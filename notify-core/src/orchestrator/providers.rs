//! The providers in use: each with its breaker, its retry budget and its bulkhead, and the route of every channel.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Monotonic;
use crate::id::{ChannelId, ProviderName};
use crate::orchestrator::local::Slots;
use crate::provider::{Breaker, BreakerConfig, BreakerState, Provider, ProviderConfig, Routing};
use crate::rate_limiter::QuotaKey;
use crate::retry::RetryBudget;

/// One provider and what keeps it, and everyone else, from harm.
#[derive(Debug)]
pub(crate) struct ProviderSlot {
    pub(crate) provider: Arc<dyn Provider>,
    breaker: Mutex<Breaker>,
    pub(crate) budget: RetryBudget,
    /// Lanes below critical take at most four fifths of its calls, so that a provider that hangs on bulk still has room.
    pub(crate) bulkhead: Arc<Slots>,
    /// The keys of its quotas.
    pub(crate) quota: [QuotaKey; 2],
}

impl ProviderSlot {
    pub(crate) fn new(provider: Arc<dyn Provider>, breaker: BreakerConfig) -> Self {
        let calls = provider.capabilities().concurrency();
        Self {
            breaker: Mutex::new(Breaker::new(breaker)),
            budget: RetryBudget::default(),
            // As many again may wait inside the provider, so that it never idles between two commits.
            bulkhead: Arc::new(Slots::new(calls * 2, calls * 2 / 5)),
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
        let sum = |routing: &Routing| routing.providers().into_iter().map(calls).sum();
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
