//! Puts a system together: required parts as arguments, all others with a default; only `build` fails.

mod build;
mod law;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::channel::{Channel, EmailChannel, InAppChannel, PushChannel, SmsChannel};
use crate::clock::{Clock, Entropy, SeededEntropy};
use crate::error::Error;
use crate::id::{ChannelId, Locale, ProviderName};
use crate::inbox::InboxLimits;
use crate::notification::Category;
use crate::observer::Observer;
use crate::orchestrator::WorkerOptions;
use crate::orchestrator::parts::{Enrich, Links};
use crate::planner::{Budget, FrequencyCaps, MailDuties, Rules};
use crate::preference::{Defaults, PreferenceStore, SoftBounces};
use crate::provider::{BreakerConfig, Drift, Provider, Routing, Schemes, Warmup, WebhookParser};
use crate::queue::{Queue, Retention};
use crate::rate_limiter::{GovernorLimiter, Quota, RateLimiter};
use crate::recipient::RecipientResolver;
use crate::secret::{EnvSecrets, SecretSource};
use crate::store::{QueueLayer, Store};
use crate::template::TemplateSet;
use crate::token::TokenKeys;

/// Collects the parts of a system. Made by [`Orchestrator::builder`](crate::Orchestrator::builder).
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
    drift: Drift,
    warmups: Vec<(ProviderName, Warmup)>,
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
    tokens: Option<TokenKeys>,
    mail: MailDuties,
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
            drift: Drift::default(),
            warmups: Vec::new(),
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
            tokens: None,
            mail: MailDuties::new(),
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

    /// When the share of a provider in a [spread](Routing::Spread) becomes less because it is slow or fails, and when it comes back.
    pub const fn drift(mut self, drift: Drift) -> Self {
        self.drift = drift;
        self
    }

    /// A provider whose sender is new: how many messages a day it takes, day by day. In place of its
    /// [`daily_max`](crate::provider::ProviderConfig::daily_max), as long as it lasts.
    pub fn warmup(mut self, provider: impl Into<ProviderName>, warmup: Warmup) -> Self {
        self.warmups.push((provider.into(), warmup));
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

    /// Where the links in messages lead. Without it marketing mail is not sent, since nobody could unsubscribe; see
    /// [`signed_links`](Self::signed_links) and [`unsubscribe_by_provider`](Self::unsubscribe_by_provider).
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

    /// How long a graceful shutdown waits for calls under way. Default 30 s.
    pub fn drain_within(mut self, drain: Duration) -> Self {
        self.worker.drain = drain;
        self
    }
}
