//! Puts the collected parts together; whatever cannot work is refused here.

use arc_swap::ArcSwap;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::calendar::Zone;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, IdGenerator, ProviderName, TenantId};
use crate::inbox::InboxProvider;
use crate::notification::Category;
use crate::observer::Hub;
use crate::orchestrator::configured::{Configured, follow};
use crate::orchestrator::local::Local;
use crate::orchestrator::operator::without;
use crate::orchestrator::parts::Parts;
use crate::orchestrator::providers::ProviderSlot;
use crate::orchestrator::slots::Slots;
use crate::orchestrator::vigil::{Vigil, watch};
use crate::orchestrator::vitals::{Commits, Unserved};
use crate::orchestrator::{Orchestrator, OrchestratorBuilder};
use crate::planner::Budget;
use crate::provider::Routing;
use crate::queue::NewJob;
use crate::rate_limiter::QuotaKey;
use crate::template::{CacheOptions, TemplateCache};

impl OrchestratorBuilder {
    /// Puts the system together.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] naming the part that cannot work: a text of providers that cannot be read, a provider of a channel that
    /// is not registered, two of one name, a category that cannot exist. [`ErrorKind::Template`] if a template cannot be compiled.
    pub async fn build(mut self) -> Result<Orchestrator> {
        if let Some(error) = self.errors.pop() {
            return Err(error);
        }
        if self.rules.channel(&NewJob::CHANNEL).is_some() {
            let text = format!(
                "the channel {} is taken: jobs that are no deliveries wait there",
                NewJob::CHANNEL
            );
            return Err(Error::new(ErrorKind::Config, text));
        }
        self.add_inbox();
        let configured = self.configured()?;
        let providers = configured.given_set();
        self.register_categories()?;
        self.rules.set_served(providers.channels());
        let duties = std::mem::take(&mut self.mail);
        self.rules
            .set_mail(duties.with_unsubscribe(self.links.is_some()));
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
        self.set_digests()?;
        let cache = self.template_cache()?;
        cache.current(&TenantId::default()).await?;
        self.worker = self.worker.bounded();
        let slots = Slots::new(self.worker.concurrency, self.worker.reserved);
        slots.divide(&providers.calls());
        let (ids, vigil) = self.vigil();
        let parts = Parts {
            pepper: self.store.pepper(),
            deliveries: Arc::clone(&self.store) as _,
            suppressions: Arc::clone(&self.store) as _,
            store: self.store,
            queue: self.queue,
            preferences: self.preferences,
            recipients: self.recipients,
            clock: self.clock,
            ids,
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
            tokens: self.tokens,
            vigil,
        };
        follow(&parts).await?;
        watch(&parts).await?;
        Ok(Orchestrator::new(Arc::new(parts), self.worker))
    }

    fn vigil(&mut self) -> (IdGenerator, Vigil) {
        let ids = IdGenerator::new(self.entropy.next_u64());
        let me = ids.owner(self.clock.now());
        let (store, warmups) = (
            Arc::clone(&self.store).health(),
            std::mem::take(&mut self.warmups),
        );
        (ids, Vigil::new(store, me, self.drift, warmups))
    }

    fn register_categories(&mut self) -> Result<()> {
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
        Ok(())
    }

    /// What gathers needs a store that keeps it.
    fn set_digests(&mut self) -> Result<()> {
        let are_kept = Arc::clone(&self.store).digests().is_some();
        let gathers = |category: &Arc<Category>| category.digest().is_some();
        if !are_kept && self.rules.categories().any(gathers) {
            return Err(without("digests"));
        }
        self.rules.set_digests(are_kept);
        Ok(())
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
