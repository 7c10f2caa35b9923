//! Providers that operators configure while the system runs: followed within a second, on every host.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync;

use crate::clock::Monotonic;
use crate::error::Result;
use crate::id::{ChannelId, ProviderName};
use crate::orchestrator::parts::Parts;
use crate::orchestrator::providers::{ProviderSet, ProviderSlot};
use crate::provider::{BreakerConfig, ProviderConfig, ProviderStore, Routing, Schemes};
use crate::rate_limiter::Quota;
use crate::secret::SecretSource;

/// How long after a configured provider could not be built it is tried again.
const BUILD_AGAIN: Duration = Duration::from_secs(30);

/// What the providers in use are made of: those given in code, and how those in the store are built.
#[derive(Debug)]
pub(crate) struct Configured {
    pub(crate) given: Vec<Arc<ProviderSlot>>,
    pub(crate) routing: BTreeMap<ChannelId, Routing>,
    pub(crate) breaker: BreakerConfig,
    pub(crate) schemes: Schemes,
    pub(crate) secrets: Arc<dyn SecretSource>,
    pub(crate) store: Option<Arc<dyn ProviderStore>>,
    followed: Mutex<Followed>,
    /// Held by the one who follows: a slower reader must not put an older state over a newer one.
    following: sync::Mutex<()>,
}

/// What was read last.
#[derive(Debug, Default)]
struct Followed {
    revision: Option<u64>,
    /// When what could not be built is tried again: a secret may be there by then.
    again: Option<Monotonic>,
    /// Each provider that was built, with the version it was built from: unchanged ones keep breaker and connections.
    built: BTreeMap<ProviderName, (u64, Arc<ProviderSlot>)>,
}

impl Configured {
    pub(crate) fn new(
        given: Vec<Arc<ProviderSlot>>,
        routing: BTreeMap<ChannelId, Routing>,
        breaker: BreakerConfig,
        schemes: Schemes,
        secrets: Arc<dyn SecretSource>,
        store: Option<Arc<dyn ProviderStore>>,
    ) -> Self {
        Self {
            given,
            routing,
            breaker,
            schemes,
            secrets,
            store,
            followed: Mutex::default(),
            following: sync::Mutex::default(),
        }
    }

    /// The set without anything from the store.
    pub(crate) fn given_set(&self) -> ProviderSet {
        ProviderSet::new(self.given.clone(), self.routing.clone())
    }

    /// Whether there is nothing to do: this was read, and all of it is in use.
    fn seen(&self, revision: u64, now: Monotonic) -> bool {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.revision == Some(revision) && followed.again.is_none_or(|again| now < again)
    }

    /// Builds what changed. A provider that cannot be built is left out for a while, and said so; the others go on.
    fn build(&self, revision: u64, configs: &[ProviderConfig], now: Monotonic) -> ProviderSet {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut built = BTreeMap::new();
        for config in configs.iter().filter(|config| config.enabled) {
            let slot = match followed.built.get(&config.name) {
                Some((version, slot)) if *version == config.version => Arc::clone(slot),
                _ => match config.build(&self.schemes, self.secrets.as_ref()) {
                    Ok(provider) => {
                        let slot = ProviderSlot::new(provider, self.breaker);
                        let daily = config.daily_max.map(Quota::per_day);
                        Arc::new(slot.configured(config.updated_at, daily))
                    }
                    Err(error) => {
                        tracing::error!(provider = %config.name, error = %error, "the configured provider cannot be built");
                        metrics::counter!("notifications_provider_config_errors_total")
                            .increment(1);
                        continue;
                    }
                },
            };
            built.insert(config.name.clone(), (config.version, slot));
        }
        let is_short = configs
            .iter()
            .any(|config| config.enabled && !built.contains_key(&config.name));
        let usable: Vec<ProviderConfig> = configs
            .iter()
            .filter(|config| built.contains_key(&config.name))
            .cloned()
            .collect();
        let mut routing = self.routing.clone();
        let channels: Vec<ChannelId> = usable.iter().map(|config| config.channel.clone()).collect();
        for channel in channels {
            if let Some(configured) = ProviderConfig::routing(&usable, &channel) {
                // What operators configure is asked before what is given in code.
                let next = match self.routing.get(&channel) {
                    Some(given) => Routing::failover([configured, given.clone()]),
                    None => configured,
                };
                routing.insert(channel, next);
            }
        }
        let slots = self
            .given
            .iter()
            .cloned()
            .chain(built.values().map(|(_, slot)| Arc::clone(slot)))
            .collect();
        *followed = Followed {
            revision: Some(revision),
            again: is_short.then(|| now + BUILD_AGAIN),
            built,
        };
        ProviderSet::new(slots, routing)
    }
}

/// Follows the store's provider configurations, if they changed.
///
/// # Errors
/// An error of the store; the providers in use stay as they are.
pub(crate) async fn follow(parts: &Parts) -> Result<()> {
    let configured = &parts.configured;
    let Some(store) = &configured.store else {
        return Ok(());
    };
    let _following = configured.following.lock().await;
    let revision = store.provider_revision().await?;
    if configured.seen(revision, parts.clock.monotonic()) {
        return Ok(());
    }
    let configs = store.providers().await?;
    let now = parts.clock.now();
    for config in &configs {
        for (key, quota) in config.quotas() {
            parts.limiter.set_quota(&key, quota, now).await?;
        }
    }
    parts.vigil.limits_were_set().await;
    let set = configured.build(revision, &configs, parts.clock.monotonic());
    let mut rules = (*parts.rules.load_full()).clone();
    rules.set_served(set.channels());
    parts.local.slots().divide(&set.calls());
    parts.providers.store(Arc::new(set));
    parts.rules.store(Arc::new(rules));
    tracing::info!(
        revision,
        configured = configs.len(),
        "provider configurations followed"
    );
    Ok(())
}
