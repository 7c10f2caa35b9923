//! What the application configured that decisions depend on.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::calendar::Zone;
use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{CategoryId, ChannelId, RecipientId};
use crate::notification::{Category, InQuietHours, NotificationRequest, Priority, Route};
use crate::planner::{Budget, FrequencyCaps, MailDuties};
use crate::preference::{Defaults, Preferences};
use crate::recipient::Recipient;

/// Channels, categories and defaults, as the application configured them.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    channels: BTreeMap<ChannelId, Arc<dyn Channel>>,
    categories: BTreeMap<CategoryId, Arc<Category>>,
    served: Vec<ChannelId>,
    defaults: Defaults,
    zone: Zone,
    frequency: FrequencyCaps,
    budget: Option<Budget>,
    mail: MailDuties,
    digests: bool,
}

impl Rules {
    /// Adds or replaces a channel.
    pub fn add_channel(&mut self, channel: Arc<dyn Channel>) {
        self.channels.insert(channel.id(), channel);
    }

    /// Adds or replaces a category.
    pub fn add_category(&mut self, category: Category) {
        self.categories
            .insert(category.id().clone(), Arc::new(category));
    }

    /// Says which channels have a provider.
    pub fn set_served(&mut self, channels: Vec<ChannelId>) {
        self.served = channels;
    }

    /// Sets the application's own layer of preferences.
    pub fn set_defaults(&mut self, defaults: Defaults) {
        self.defaults = defaults;
    }

    /// Sets the zone of people who have none, or one that is not known.
    pub fn set_zone(&mut self, zone: Zone) {
        self.zone = zone;
    }

    /// Sets how much one person gets on each channel.
    pub fn set_frequency(&mut self, caps: FrequencyCaps) {
        self.frequency = caps;
    }

    /// Sets how much one person gets in all.
    pub const fn set_budget(&mut self, budget: Option<Budget>) {
        self.budget = budget;
    }

    /// Sets what marketing mail carries besides consent.
    pub fn set_mail(&mut self, duties: MailDuties) {
        self.mail = duties;
    }

    /// What marketing mail carries besides consent.
    #[must_use]
    pub const fn mail(&self) -> &MailDuties {
        &self.mail
    }

    /// Says whether the store keeps what gathers. Without it nothing does.
    pub const fn set_digests(&mut self, are_kept: bool) {
        self.digests = are_kept;
    }

    /// Whether the store keeps what gathers. Default: no.
    #[must_use]
    pub const fn has_digests(&self) -> bool {
        self.digests
    }

    /// A channel.
    #[must_use]
    pub fn channel(&self, id: &ChannelId) -> Option<&Arc<dyn Channel>> {
        self.channels.get(id)
    }

    /// All channels.
    pub fn channels(&self) -> impl Iterator<Item = (&ChannelId, &Arc<dyn Channel>)> {
        self.channels.iter()
    }

    /// The channels that have a provider.
    #[must_use]
    pub fn served(&self) -> &[ChannelId] {
        &self.served
    }

    /// All categories.
    pub fn categories(&self) -> impl Iterator<Item = &Arc<Category>> {
        self.categories.values()
    }

    /// A category that may be unknown to this version of the application.
    #[must_use]
    pub fn find_category(&self, id: &CategoryId) -> Option<&Arc<Category>> {
        self.categories.get(id)
    }

    /// The application's own layer of preferences.
    #[must_use]
    pub const fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// The zone of people who have none, or one that is not known. Default: UTC.
    #[must_use]
    pub const fn zone(&self) -> &Zone {
        &self.zone
    }

    /// How much one person gets on each channel.
    #[must_use]
    pub const fn frequency(&self) -> &FrequencyCaps {
        &self.frequency
    }

    /// How much one person gets in all.
    #[must_use]
    pub const fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// The channels that something may be rerouted to in this person's quiet hours.
    pub(crate) fn reroutes<'a>(
        &'a self,
        preferences: &'a Preferences,
    ) -> impl Iterator<Item = &'a ChannelId> {
        let categories = self.categories.values();
        let own = categories.filter_map(|category| match category.quiet_rule() {
            Some(InQuietHours::Reroute(to)) => Some(to),
            _ => None,
        });
        let layers = [&self.defaults, &*preferences.tenant, &preferences.user];
        let layers = layers.into_iter();
        own.chain(layers.flat_map(|layer| layer.quiet_hours().reroutes()))
    }

    /// A registered category.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `category`.
    pub fn category(&self, id: &CategoryId) -> Result<&Arc<Category>> {
        self.categories.get(id).ok_or_else(|| {
            Error::invalid(
                "category",
                format!("{id} is not registered; add it to the builder with `category`"),
            )
        })
    }

    /// The lane of a request.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `priority`, if it asks for more than its category allows.
    pub fn priority(&self, request: &NotificationRequest, category: &Category) -> Result<Priority> {
        match request.priority() {
            Some(wanted) if *wanted > category.ceiling() => Err(Error::invalid(
                "priority",
                format!(
                    "is above {}, the ceiling of category {}",
                    category.ceiling(),
                    category.id()
                ),
            )),
            Some(wanted) => Ok(*wanted),
            None => Ok(category.priority()),
        }
    }

    /// The route of a request: its own, its category's, or every channel that has a provider.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming `route`, if it names a channel that is not registered; [`ErrorKind::Config`] if there is no
    /// channel with a provider at all.
    pub fn route(&self, request: &NotificationRequest, category: &Category) -> Result<Route> {
        let Some(route) = request.route().or(category.route()) else {
            if self.served.is_empty() {
                return Err(Error::new(
                    ErrorKind::Config,
                    "no channel has a provider; add one to the builder with `provider`",
                ));
            }
            return Ok(Route::all(self.served.iter().cloned()));
        };
        match route
            .steps()
            .iter()
            .find(|step| !self.channels.contains_key(&step.channel))
        {
            Some(step) => Err(Error::invalid(
                "route",
                format!("channel {} is not registered", step.channel),
            )),
            None => Ok(route.clone()),
        }
    }

    /// The addresses of a recipient that a channel accepts. Everybody has the inbox of their own id.
    #[must_use]
    pub fn addresses(channel: &dyn Channel, recipient: &Recipient) -> Vec<crate::address::Address> {
        let mut found: Vec<_> = recipient
            .addresses()
            .iter()
            .filter(|address| channel.accepts(address))
            .cloned()
            .collect();
        let own = Self::own_inbox(recipient.id());
        if found.is_empty() && channel.accepts(&own) {
            found.push(own);
        }
        if channel.reach() == crate::channel::Reach::One {
            found.truncate(1);
        }
        found
    }

    fn own_inbox(id: &RecipientId) -> crate::address::Address {
        crate::address::Address::inbox(id.as_str())
    }
}
