//! Providers as configuration that operators change while the system runs.

mod rate_limit;
mod validate;

pub use rate_limit::RateLimit;

use async_trait::async_trait;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use crate::audit::Actor;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::{ChannelId, ProviderName};
use crate::provider::routing::Renamed;
use crate::provider::{Provider, Routing, Schemes};
use crate::rate_limiter::{Quota, QuotaKey};
use crate::secret::{ExposeSecret, SecretSource, SecretString, resolve_placeholders};

/// One provider as an operator configures it.
///
/// `dsn` names its secrets as `${NAME}`, and whoever builds the provider looks them up in a
/// [`SecretSource`]: so what is stored, copied and backed up is worth nothing by itself, and a
/// secret is rotated where it lives. [`validate`](Self::validate) refuses what is recognised as a
/// secret in the text. Neither `Debug` nor `Serialize` shows more of it than its scheme.
///
/// ```
/// use notify_core::ChannelId;
/// use notify_core::provider::ProviderConfig;
/// use notify_core::secret::{ExposeSecret, StaticSecrets};
///
/// let twilio = ProviderConfig::new(ChannelId::SMS, "twilio", "twilio://AC1:${TWILIO_TOKEN}@default")
///     .with_priority(1)
///     .with_rate_limit("100/s".parse()?);
/// twilio.validate()?;
///
/// let secrets = StaticSecrets::new().with("TWILIO_TOKEN", "t0k/en");
/// assert_eq!(twilio.resolved_dsn(&secrets)?.expose_secret(), "twilio://AC1:t0k%2Fen@default");
/// assert!(ProviderConfig::new(ChannelId::SMS, "twilio", "twilio://AC1:token@default").validate().is_err());
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The channel it serves.
    pub channel: ChannelId,
    /// Its name, unique in the application; 1 to 100 characters.
    pub name: ProviderName,
    /// How it is built, with `${NAME}` for secrets; at most 2,048 characters.
    #[serde(serialize_with = "only_scheme")]
    pub dsn: SecretString,
    /// Whether it is used. Default: yes.
    pub enabled: bool,
    /// Lower is asked first; equal ones share the load by weight. Default: 0.
    pub priority: u32,
    /// Its share among those of the same priority; 0 is asked after all others. Default: 1.
    pub weight: u32,
    /// How fast it is called. Default: as fast as it answers.
    pub rate_limit: Option<RateLimit>,
    /// How many messages a day, roughly: they come back evenly over the day, so that after a quiet
    /// day up to twice as many fit into 24 hours. Default: no limit.
    pub daily_max: Option<NonZeroU32>,
    /// When it was last changed; set by the store.
    pub updated_at: Timestamp,
    /// Grows by one with each change, from 1; set by the store.
    pub version: u64,
}

/// Keeps provider configurations, so that they can be changed without a restart.
///
/// # Contract
/// - `providers` returns all of them, also disabled ones, ordered by (channel, priority, name).
/// - `put_provider` stores the configuration with `expected_version + 1` and `now`, whatever it says
///   of these itself, and returns that version; 0 expects that there is none yet. A different version in the store is a
///   conflict, and nothing is changed.
/// - A configuration that does not [validate](ProviderConfig::validate) is refused.
/// - The text of a DSN is stored as it is given, with its placeholders, never with their values.
/// - `remove_provider` of an unknown name changes nothing and returns `false`.
/// - Each change by an operator writes one audit row (`provider.put`, `provider.remove`, subject: the
///   name, tenant: the default one) in the same commit; it never holds the DSN.
/// - `provider_revision` grows with each change and with nothing else: equal revisions, equal answers.
/// - A change is visible to every process when it returns.
#[async_trait]
pub trait ProviderStore: fmt::Debug + Send + Sync + 'static {
    /// All configurations.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) or
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store failed.
    async fn providers(&self) -> Result<Vec<ProviderConfig>>;

    /// Adds or changes one; returns its new version.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if `expected_version` is not the stored
    /// one; [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if it does not validate.
    async fn put_provider(
        &self,
        config: &ProviderConfig,
        expected_version: u64,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<u64>;

    /// Forgets one; whether there was one.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store failed: then it is still there.
    async fn remove_provider(
        &self,
        name: &ProviderName,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<bool>;

    /// A number that grows with each change, from 0. Cheap: asked every few seconds.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) or
    /// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) if the store failed.
    async fn provider_revision(&self) -> Result<u64>;
}

fn _object_safe(_: &dyn ProviderStore) {}

impl ProviderConfig {
    /// An enabled provider without limits, not yet stored.
    #[must_use]
    pub fn new(
        channel: impl Into<ChannelId>,
        name: impl Into<ProviderName>,
        dsn: impl Into<SecretString>,
    ) -> Self {
        Self {
            channel: channel.into(),
            name: name.into(),
            dsn: dsn.into(),
            enabled: true,
            priority: 0,
            weight: 1,
            rate_limit: None,
            daily_max: None,
            updated_at: Timestamp::EPOCH,
            version: 0,
        }
    }

    /// Whether it is used.
    #[must_use]
    pub const fn with_enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Lower is asked first.
    #[must_use]
    pub const fn with_priority(mut self, priority: u32) -> Self {
        self.priority = priority;
        self
    }

    /// Its share among those of the same priority.
    #[must_use]
    pub const fn with_weight(mut self, weight: u32) -> Self {
        self.weight = weight;
        self
    }

    /// How fast it is called.
    #[must_use]
    pub const fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// How many messages a day.
    #[must_use]
    pub const fn with_daily_max(mut self, max: NonZeroU32) -> Self {
        self.daily_max = Some(max);
        self
    }

    /// What a store adds: the version, and when it was written.
    #[must_use]
    pub const fn stored(mut self, version: u64, updated_at: Timestamp) -> Self {
        self.version = version;
        self.updated_at = updated_at;
        self
    }

    /// The text of the DSN as it is stored, with placeholders instead of secrets.
    #[must_use]
    pub fn dsn_text(&self) -> &str {
        self.dsn.expose_secret()
    }

    /// The DSN with its secrets, for building the provider. Never stored.
    ///
    /// # Errors
    /// As [`resolve_placeholders`].
    pub fn resolved_dsn(&self, secrets: &dyn SecretSource) -> Result<SecretString> {
        resolve_placeholders(self.dsn_text(), secrets)
    }

    /// The provider, under the name of this configuration.
    ///
    /// # Errors
    /// As [`resolve_placeholders`] and [`Schemes::provider`]; no text holds more of the DSN than its
    /// scheme.
    pub fn build(
        &self,
        schemes: &Schemes,
        secrets: &dyn SecretSource,
    ) -> Result<Arc<dyn Provider>> {
        let provider = schemes.provider(self.resolved_dsn(secrets)?.expose_secret())?;
        Ok(Renamed::wrap(provider, self.name.clone()))
    }

    /// The quotas it gives, by the keys that the worker asks for: `None` where it has no such limit.
    #[must_use]
    pub fn quotas(&self) -> [(QuotaKey, Option<Quota>); 2] {
        let [rate, day] = Self::quota_keys(&self.name);
        [
            (rate, self.rate_limit.map(|limit| limit.quota())),
            (day, self.daily_max.map(Quota::per_day)),
        ]
    }

    /// The keys that a call of a provider takes tokens of: its rate, and its day.
    #[must_use]
    pub fn quota_keys(name: &ProviderName) -> [QuotaKey; 2] {
        ["provider", "provider_day"].map(|scope| QuotaKey::new(scope, name.as_str()))
    }

    /// How the enabled providers of `channel` are asked: by priority, equal ones by weight; `None` if
    /// there is none.
    #[must_use]
    pub fn routing(configs: &[Self], channel: &ChannelId) -> Option<Routing> {
        let mut levels: BTreeMap<u32, Vec<&Self>> = BTreeMap::new();
        for config in configs
            .iter()
            .filter(|c| c.enabled && c.channel == *channel)
        {
            levels.entry(config.priority).or_default().push(config);
        }
        let mut parts: Vec<_> = levels.into_values().map(Self::level).collect();
        match parts.len() {
            0 | 1 => parts.pop(),
            _ => Some(Routing::Failover(parts)),
        }
    }

    fn level(mut configs: Vec<&Self>) -> Routing {
        configs.sort_by(|a, b| a.name.cmp(&b.name));
        let one = |config: &Self| Routing::One(config.name.clone());
        if let [only] = configs.as_slice() {
            return one(only);
        }
        // If all are a last resort, all are alike.
        let none = configs.iter().all(|config| config.weight == 0);
        let weight = |config: &Self| if none { 1 } else { config.weight };
        Routing::spread(
            configs
                .into_iter()
                .map(|config| (weight(config), one(config))),
        )
    }
}

fn only_scheme<S: Serializer>(dsn: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    let scheme = dsn
        .expose_secret()
        .split_once("://")
        .map(|(scheme, _)| scheme);
    let letters = |scheme: &&str| {
        scheme
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
    };
    match scheme.filter(letters) {
        Some(scheme) => serializer.collect_str(&format_args!("{scheme}://[redacted]")),
        None => serializer.serialize_str("[redacted]"),
    }
}

#[cfg(test)]
mod tests;
