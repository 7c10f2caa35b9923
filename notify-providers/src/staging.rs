//! A provider for environments that must not reach real people.

use async_trait::async_trait;
use notify_core::id::AddressScheme;
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt, Scope};
use notify_core::{Address, ProviderName};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// Sends to allowed addresses only; everything else goes to one address of yours, or is refused.
///
/// A refused message ends with the request fault `not_allowed_in_staging`, so that the record shows
/// what would have been sent. Name and capabilities are those of the provider inside. `Debug` shows
/// no address.
///
/// ```
/// use notify_core::Address;
/// use notify_providers::staging::Staging;
/// # use notify_core::ChannelId;
/// # use notify_providers::log::LogProvider;
/// # let provider = LogProvider::new(ChannelId::EMAIL);
///
/// let provider = Staging::new(provider)
///     .allow_domain("example.com")
///     .allow(Address::phone("+15550100"))
///     .redirect_to(Address::email("team@example.com"));
/// ```
pub struct Staging {
    inner: Arc<dyn Provider>,
    addresses: HashSet<Address>,
    domains: HashSet<String>,
    redirects: Vec<Address>,
}

impl Staging {
    /// Refuses every address, until some are allowed.
    #[must_use]
    pub fn new(provider: impl Provider) -> Self {
        Self::shared(Arc::new(provider))
    }

    /// The same, around a provider that is used elsewhere too.
    #[must_use]
    pub fn shared(provider: Arc<dyn Provider>) -> Self {
        Self {
            inner: provider,
            addresses: HashSet::new(),
            domains: HashSet::new(),
            redirects: Vec::new(),
        }
    }

    /// Sends to this address. Mailboxes are compared without regard to case.
    #[must_use]
    pub fn allow(mut self, address: Address) -> Self {
        self.addresses.insert(folded(&address));
        self
    }

    /// Sends to every mailbox of this domain, but not of its subdomains.
    #[must_use]
    pub fn allow_domain(mut self, domain: impl AsRef<str>) -> Self {
        self.domains
            .insert(domain.as_ref().trim_start_matches('@').to_lowercase());
        self
    }

    /// Sends what is not allowed to this address instead, where it is of the same scheme; one
    /// address for each scheme.
    #[must_use]
    pub fn redirect_to(mut self, address: Address) -> Self {
        self.redirects
            .retain(|other| other.scheme() != address.scheme());
        self.redirects.push(address);
        self
    }

    /// Where a message to `address` goes; `None` is nowhere.
    fn target<'a>(&'a self, address: &'a Address) -> Option<&'a Address> {
        let domain = || {
            address
                .expose()
                .rsplit_once('@')
                .map(|(_, domain)| domain.to_lowercase())
        };
        let allowed = self.addresses.contains(&folded(address))
            || (*address.scheme() == AddressScheme::EMAIL
                && domain().is_some_and(|domain| self.domains.contains(&domain)));
        if allowed {
            Some(address)
        } else {
            self.redirects
                .iter()
                .find(|redirect| redirect.scheme() == address.scheme())
        }
    }

    fn redirected(&self, envelope: &Envelope) -> Result<Envelope, Fault> {
        let target = self
            .target(&envelope.address)
            .ok_or_else(|| Fault::request("not_allowed_in_staging"))?;
        let mut envelope = envelope.clone();
        envelope.address = target.clone();
        Ok(envelope)
    }
}

/// Mailboxes in lower case, all others as they are.
fn folded(address: &Address) -> Address {
    if *address.scheme() == AddressScheme::EMAIL {
        Address::email(address.expose().to_lowercase())
    } else {
        address.clone()
    }
}

#[async_trait]
// A new method with a default would pass the list by: it must be thought through here.
#[deny(clippy::missing_trait_methods)]
impl Provider for Staging {
    fn name(&self) -> &ProviderName {
        self.inner.name()
    }

    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        self.inner.batch_key(message)
    }

    fn scope(&self, address: &Address) -> Option<Scope> {
        self.inner.scope(self.target(address)?)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        self.inner.send(&self.redirected(envelope)?).await
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let redirected: Vec<_> = batch
            .iter()
            .map(|envelope| self.redirected(envelope))
            .collect();
        let allowed: Vec<_> = redirected
            .iter()
            .filter_map(|result| result.as_ref().ok().cloned())
            .collect();
        let mut sent = self.inner.send_batch(&allowed).await.into_iter();
        // A short answer of the provider inside must not shift the results of the others.
        redirected
            .into_iter()
            .map(|result| {
                result.and_then(|_| {
                    sent.next()
                        .unwrap_or_else(|| Err(Fault::unknown("short_answer")))
                })
            })
            .collect()
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staging")
            .field("inner", &self.inner)
            .field("addresses", &self.addresses.len())
            .field("domains", &self.domains)
            .field("redirects", &self.redirects)
            .finish()
    }
}
