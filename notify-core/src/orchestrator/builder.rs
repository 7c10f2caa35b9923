//! Puts a system together: required parts as arguments, all others with a default; only `build` fails.

use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::calendar::Zone;
use crate::channel::{Channel, EmailChannel, InAppChannel, PushChannel, SmsChannel};
use crate::clock::{Clock, Entropy, SeededEntropy};
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, IdGenerator, Locale, ProviderName, TenantId};
use crate::inbox::{InboxLimits, InboxProvider};
use crate::notification::Category;
use crate::observer::{Hub, Observer};
use crate::orchestrator::configured::{Configured, follow};
use crate::orchestrator::local::Local;
use crate::orchestrator::operator::without;
use crate::orchestrator::parts::{Enrich, Links, Parts};
use crate::orchestrator::providers::ProviderSlot;
use crate::orchestrator::slots::Slots;
use crate::orchestrator::vitals::{Commits, Unserved};
use crate::orchestrator::{Orchestrator, WorkerOptions};
use crate::planner::{Budget, FrequencyCaps, Rules};
use crate::preference::{Defaults, PreferenceStore, SoftBounces};
use crate::provider::{BreakerConfig, Provider, Routing, Schemes, WebhookParser};
use crate::queue::{Queue, Retention};
use crate::rate_limiter::{GovernorLimiter, Quota, QuotaKey, RateLimiter};
use crate::recipient::RecipientResolver;
use crate::secret::{EnvSecrets, SecretSource};
use crate::store::{QueueLayer, Store};
use crate::template::{CacheOptions, TemplateCache, TemplateSet};

/// Collects the parts of a system. Made by [`Orchestrator::builder`].
///
/// | part | default |
/// |---|---|
/// | channels | `email`, `sms`, `push`, `in_app` |
/// | provider of `in_app` | the store's inbox, if it has one |
/// | preferences, recipients, queue | the store's |
/// | rate limiter | in this process |
/// | default locale | `en` |
/// | default zone | UTC |
/// | frequency caps | marketing: push 5/h, email 3/24 h, others 10/h |
/// | budget | none |
#[derive(Debug)]
#[must_use]
pub struct OrchestratorBuilder {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    preferences: Arc<dyn PreferenceStore>,
    recipients: Arc<dyn RecipientResolver>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limiter: Arc<dyn RateLimiter>,
    quotas: Vec<(ProviderName, Quota)>,
    rules: Rules,
    defaults: Defaults,
    categories: Vec<Category>,
    providers: Vec<Arc<dyn Provider>>,
    routing: BTreeMap<ChannelId, Routing>,
    breaker: BreakerConfig,
    schemes: Schemes,
    secrets: Arc<dyn SecretSource>,
    templates: TemplateSet,
    default_locale: Locale,
    default_zone: String,
    frequency: FrequencyCaps,
    budget: Option<Budget>,
    observers: Vec<Box<dyn Observer>>,
    links: Option<Arc<dyn Links>>,
    enrich: Option<Arc<dyn Enrich>>,
    inbox: InboxLimits,
    retention: Retention,
    worker: WorkerOptions,
    pub(super) webhooks: BTreeMap<ProviderName, Arc<dyn WebhookParser>>,
    pub(super) soft_bounces: SoftBounces,
    pub(super) errors: Vec<Error>,
}

impl OrchestratorBuilder {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let mut rules = Rules::default();
        rules.add_channel(Arc::new(EmailChannel::new()));
        rules.add_channel(Arc::new(SmsChannel::new()));
        rules.add_channel(Arc::new(PushChannel::new()));
        rules.add_channel(Arc::new(InAppChannel::new()));
        let (queue, preferences, recipients): (
            Arc<dyn Queue>,
            Arc<dyn PreferenceStore>,
            Arc<dyn RecipientResolver>,
        ) = (
            Arc::clone(&store) as _,
            Arc::clone(&store) as _,
            Arc::clone(&store) as _,
        );
        Self {
            clock: store.clock(),
            store,
            queue,
            preferences,
            recipients,
            entropy: Arc::new(SeededEntropy::random()),
            limiter: Arc::new(GovernorLimiter::new()),
            quotas: Vec::new(),
            rules,
            defaults: Defaults::default(),
            categories: Vec::new(),
            providers: Vec::new(),
            routing: BTreeMap::new(),
            breaker: BreakerConfig::default(),
            schemes: Schemes::default(),
            secrets: Arc::new(EnvSecrets::new("")),
            templates: TemplateSet::default(),
            default_locale: Locale::default(),
            default_zone: "UTC".to_owned(),
            frequency: FrequencyCaps::default(),
            budget: None,
            observers: Vec::new(),
            links: None,
            enrich: None,
            inbox: InboxLimits::default(),
            retention: Retention::default(),
            worker: WorkerOptions::default(),
            webhooks: BTreeMap::new(),
            soft_bounces: SoftBounces::default(),
            errors: Vec::new(),
        }
    }

    /// One more provider. The first of a channel is asked first, the next when it cannot.
    pub fn provider(mut self, provider: impl Provider) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Providers from a text, such as `smtps://user:pass@a.example || smtps://user:pass@b.example`.
    ///
    /// ` || ` asks the next when the one before cannot, ` && ` spreads. A text that cannot be read surfaces in [`build`](Self::build),
    /// and names only the scheme.
    pub fn route(mut self, channel: impl Into<ChannelId>, schemes: &Schemes, dsn: &str) -> Self {
        match schemes.parse(dsn) {
            Ok((routing, providers)) => {
                self.routing.insert(channel.into(), routing);
                self.providers.extend(providers);
            }
            Err(error) => self.errors.push(error),
        }
        self
    }

    /// How the providers that operators configure in the store are built. Without it the store's configurations are not used.
    pub fn schemes(mut self, schemes: Schemes) -> Self {
        self.schemes = self.schemes.merge(schemes);
        self
    }

    /// Where the `${NAME}` of configured providers are looked up. Default: the environment.
    pub fn secrets(mut self, secrets: impl SecretSource) -> Self {
        self.secrets = Arc::new(secrets);
        self
    }

    /// In what order the providers of a channel are asked, in place of the order in which they were added.
    pub fn routing(mut self, channel: impl Into<ChannelId>, routing: Routing) -> Self {
        self.routing.insert(channel.into(), routing);
        self
    }

    /// How many calls a provider takes in how much time.
    pub fn quota(mut self, provider: impl Into<ProviderName>, quota: Quota) -> Self {
        self.quotas.push((provider.into(), quota));
        self
    }

    /// When a provider is left alone because it fails.
    pub fn breaker(mut self, config: BreakerConfig) -> Self {
        self.breaker = config;
        self
    }

    /// One more channel, or another for the same id.
    pub fn channel(mut self, channel: impl Channel) -> Self {
        self.rules.add_channel(Arc::new(channel));
        self
    }

    /// One more category.
    pub fn category(mut self, category: Category) -> Self {
        self.categories.push(category);
        self
    }

    /// The application's own layer of preferences, below the tenants'.
    pub fn defaults(mut self, defaults: Defaults) -> Self {
        self.defaults = defaults;
        self
    }

    /// Templates, from files or from code. Those in the store lie over them.
    pub fn templates(mut self, templates: impl Into<TemplateSet>) -> Self {
        self.templates = templates.into();
        self
    }

    /// The language of people who named none. Default: `en`.
    pub fn default_locale(mut self, locale: impl Into<Locale>) -> Self {
        self.default_locale = locale.into();
        self
    }

    /// The IANA zone of people who have none, or one that is not known: for quiet hours, send windows and local times. Default: UTC.
    pub fn default_zone(mut self, zone: impl Into<String>) -> Self {
        self.default_zone = zone.into();
        self
    }

    /// How many messages one person gets on each channel, over all categories. Default: [`FrequencyCaps::default`], which holds
    /// marketing to 5 an hour by push, 3 a day by email and 10 an hour elsewhere; [`FrequencyCaps::none`] turns it off.
    pub fn frequency_caps(mut self, caps: FrequencyCaps) -> Self {
        self.frequency = caps;
        self
    }

    /// How many messages one person gets in all. Default: any number.
    pub const fn budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Preferences kept elsewhere. Then a message is begun only within a second of a fresh read.
    pub fn preferences(mut self, preferences: impl PreferenceStore) -> Self {
        self.preferences = Arc::new(preferences);
        self
    }

    /// Recipients kept elsewhere.
    pub fn recipients(mut self, recipients: impl RecipientResolver) -> Self {
        self.recipients = Arc::new(recipients);
        self
    }

    /// A broker around the store's queue.
    pub fn queue(mut self, layer: impl QueueLayer) -> Self {
        self.queue = layer.layer(Arc::clone(&self.queue));
        self
    }

    /// Another rate limiter, such as one that several hosts share.
    pub fn rate_limiter(mut self, limiter: impl RateLimiter) -> Self {
        self.limiter = Arc::new(limiter);
        self
    }

    /// One more observer.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Where the links in messages lead. Without it marketing mail carries no unsubscribe header.
    pub fn links(mut self, links: impl Links) -> Self {
        self.links = Some(Arc::new(links));
        self
    }

    /// Data of the application for every message.
    pub fn enrich(mut self, enrich: impl Enrich) -> Self {
        self.enrich = Some(Arc::new(enrich));
        self
    }

    /// How many items an inbox holds, and for how long.
    pub fn inbox_limits(mut self, limits: InboxLimits) -> Self {
        self.inbox = limits;
        self
    }

    /// How long the workers of this process keep what is no longer needed.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// How the workers of this process work. What cannot work, such as a lease of no time, is taken as the least that can.
    pub fn worker_options(mut self, options: WorkerOptions) -> Self {
        self.worker = options;
        self
    }

    /// Where jitter comes from, for tests that must be repeatable.
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Puts the system together.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the part that cannot work: a text of providers that cannot be read, a provider of a channel that
    /// is not registered, two of one name, a category that cannot exist. [`ErrorKind::Template`] if a template cannot be compiled.
    pub async fn build(mut self) -> Result<Orchestrator> {
        if let Some(error) = self.errors.pop() {
            return Err(error);
        }
        self.add_inbox();
        let configured = self.configured()?;
        let providers = configured.given_set();
        for category in std::mem::take(&mut self.categories) {
            category.validate()?;
            if self.rules.find_category(category.id()).is_some() {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("category {} is registered twice", category.id()),
                ));
            }
            self.rules.add_category(category);
        }
        self.rules.set_served(providers.channels());
        self.set_timing()?;
        for (provider, quota) in &self.quotas {
            let key = QuotaKey::new("provider", provider.as_str());
            self.limiter
                .set_quota(&key, Some(*quota), self.clock.now())
                .await?;
        }
        if !self.webhooks.is_empty() && Arc::clone(&self.store).feedback().is_none() {
            return Err(without("vendors' reports"));
        }
        let cache = self.template_cache()?;
        cache.current(&TenantId::default()).await?;
        self.worker = self.worker.bounded();
        let slots = Slots::new(self.worker.concurrency, self.worker.reserved);
        slots.divide(&providers.calls());
        let parts = Parts {
            pepper: self.store.pepper(),
            deliveries: Arc::clone(&self.store) as _,
            suppressions: Arc::clone(&self.store) as _,
            store: self.store,
            queue: self.queue,
            preferences: self.preferences,
            recipients: self.recipients,
            clock: self.clock,
            ids: IdGenerator::new(self.entropy.next_u64()),
            entropy: self.entropy,
            limiter: self.limiter,
            rules: ArcSwap::from_pointee(self.rules),
            providers: ArcSwap::from_pointee(providers),
            configured,
            cache,
            default_locale: self.default_locale,
            links: self.links,
            enrich: self.enrich,
            local: Local::new(slots),
            hub: Hub::new(self.observers),
            retention: self.retention,
            inbox: self.inbox,
            commits: Commits::default(),
            unserved: Unserved::default(),
            webhooks: self.webhooks,
            soft_bounces: self.soft_bounces,
        };
        follow(&parts).await?;
        Ok(Orchestrator::new(Arc::new(parts), self.worker))
    }

    /// Defaults, zone and limits.
    fn set_timing(&mut self) -> Result<()> {
        let config =
            |what: &str, e: Error| Error::new(ErrorKind::Config, format!("{what}: {e}")).source(e);
        let quiet = self.defaults.quiet_hours().validate();
        quiet.map_err(|e| config("the defaults", e))?;
        self.rules.set_defaults(std::mem::take(&mut self.defaults));
        let zone = Zone::try_from(std::mem::take(&mut self.default_zone));
        self.rules
            .set_zone(zone.map_err(|e| config("the default zone", e))?);
        self.frequency.validate()?;
        self.rules
            .set_frequency(std::mem::take(&mut self.frequency));
        self.budget.as_ref().map_or(Ok(()), Budget::validate)?;
        self.rules.set_budget(self.budget);
        Ok(())
    }

    /// The store's inbox serves `in_app`, unless the application brought a provider of its own.
    fn add_inbox(&mut self) {
        let served = self
            .providers
            .iter()
            .any(|provider| provider.capabilities().serves(&ChannelId::IN_APP));
        if let (false, Some(inbox)) = (served, Arc::clone(&self.store).inbox()) {
            self.providers.push(Arc::new(InboxProvider::new(
                inbox,
                Arc::clone(&self.clock),
                self.inbox,
            )));
        }
    }

    fn configured(&mut self) -> Result<Configured> {
        let config = |text: String| Err(Error::new(ErrorKind::Config, text));
        let mut slots: Vec<Arc<ProviderSlot>> = Vec::new();
        for provider in std::mem::take(&mut self.providers) {
            let name = provider.name().clone();
            if slots.iter().any(|slot| *slot.name() == name) {
                return config(format!(
                    "two providers are called {name}; give each a name of its own"
                ));
            }
            for channel in provider.capabilities().channels() {
                if self.rules.channel(channel).is_none() {
                    return config(format!(
                        "provider {name} serves channel {channel}, which is not registered"
                    ));
                }
            }
            slots.push(Arc::new(ProviderSlot::new(provider, self.breaker)));
        }
        let mut routing = std::mem::take(&mut self.routing);
        check_routing(&routing, &slots)?;
        for slot in &slots {
            for channel in slot.provider.capabilities().channels() {
                let named = routing
                    .values()
                    .any(|route| route.providers().contains(&slot.name()));
                if !named || !routing.contains_key(channel) {
                    append(&mut routing, channel, slot.name());
                }
            }
        }
        let schemes = std::mem::take(&mut self.schemes);
        // Without a way to build them, configurations in the store belong to another application.
        let store = if schemes.names().next().is_some() {
            Arc::clone(&self.store).providers()
        } else {
            None
        };
        Ok(Configured::new(
            slots,
            routing,
            self.breaker,
            schemes,
            Arc::clone(&self.secrets),
            store,
        ))
    }

    fn template_cache(&mut self) -> Result<TemplateCache> {
        let options = CacheOptions::default();
        let (templates, clock) = (std::mem::take(&mut self.templates), Arc::clone(&self.clock));
        TemplateCache::new(
            templates,
            Arc::clone(&self.store).templates(),
            clock,
            options,
        )
    }

    /// How long a graceful shutdown waits for calls under way. Default 30 s.
    pub fn drain_within(mut self, drain: Duration) -> Self {
        self.worker.drain = drain;
        self
    }
}

/// Every provider that a routing names was added, and serves the channel.
fn check_routing(
    routing: &BTreeMap<ChannelId, Routing>,
    slots: &[Arc<ProviderSlot>],
) -> Result<()> {
    let config = |text: String| Err(Error::new(ErrorKind::Config, text));
    for (channel, route) in routing {
        route.validate()?;
        for name in route.providers() {
            let Some(slot) = slots.iter().find(|slot| slot.name() == name) else {
                return config(format!(
                    "the routing of {channel} names provider {name}, which was not added"
                ));
            };
            if !slot.provider.capabilities().serves(channel) {
                return config(format!("provider {name} does not serve channel {channel}"));
            }
        }
    }
    Ok(())
}

/// Asks `name` after those that are there.
fn append(routing: &mut BTreeMap<ChannelId, Routing>, channel: &ChannelId, name: &ProviderName) {
    let one = Routing::One(name.clone());
    let next = match routing.remove(channel) {
        None => one,
        Some(Routing::Failover(mut all)) => {
            all.push(one);
            Routing::Failover(all)
        }
        Some(other) => Routing::Failover(vec![other, one]),
    };
    routing.insert(channel.clone(), next);
}
