//! Configuration of a [`MandrillProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;

use super::MandrillProvider;
use super::wire::Settings;
use crate::dsn::VendorDsn;
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// Options of a [`MandrillProvider`]. Setters never fail; [`build`](Self::build) checks everything. For tests Mandrill has keys that
/// send nothing, and no switch.
///
/// ```
/// use notify_providers::email::mandrill::MandrillProvider;
///
/// let provider = MandrillProvider::builder("key", "Example <news@example.com>".parse()?)
///     .subaccount("customer-17")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct MandrillBuilder {
    key: SecretString,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    settings: Settings,
    http: HttpOptions,
}

impl MandrillBuilder {
    pub(super) fn new(key: SecretString, from: Mailbox) -> Self {
        Self {
            key,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("mandrill"),
            price_micros: None,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `mandrill`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Where answers go, where the mail does not say. Default: to the sender.
    pub fn reply_to(mut self, mailbox: Mailbox) -> Self {
        self.sender.reply_to = Some(mailbox);
        self
    }

    /// Price of one mail, in millionths of the account's currency, for routing by cost. Default: unknown.
    pub const fn price_micros(mut self, price: u64) -> Self {
        self.price_micros = Some(price);
        self
    }

    /// The subaccount that mails count for. Default: none.
    pub fn subaccount(mut self, id: impl Into<String>) -> Self {
        self.settings.subaccount = Some(id.into());
        self
    }

    /// The server, connections and times.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] or [`ErrorKind::Invalid`], naming what cannot work: an empty key, a sender that is no mailbox, and
    /// what [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<MandrillProvider> {
        if self.key.expose_secret().trim().is_empty() {
            let error = Error::new(ErrorKind::Config, "the api key must not be empty");
            return Err(error.field("key"));
        }
        self.sender.check()?;
        let client = HttpClient::builder("https://mandrillapp.com")
            .options(self.http)
            .build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::EMAIL)
            .with_concurrency(client.concurrency())
            .with_reports(true);
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(MandrillProvider {
            name: self.name,
            capabilities,
            key: self.key,
            sender: self.sender,
            settings: self.settings,
            client,
        })
    }
}

impl fmt::Debug for MandrillBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MandrillBuilder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `mandrill://KEY@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<MandrillBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "mandrill")?;
    let mut builder =
        MandrillBuilder::new(dsn.user("key")?.into(), dsn.require("from")?).http(dsn.options()?);
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    if let Some(id) = dsn.take::<String>("subaccount")? {
        builder = builder.subaccount(id);
    }
    dsn.finish()?;
    Ok(builder)
}
