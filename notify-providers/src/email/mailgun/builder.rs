//! Configuration of a [`MailgunProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;

use super::wire::Settings;
use super::{MAX_BATCH, MailgunProvider};
use crate::dsn::{self, VendorDsn};
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// Options of a [`MailgunProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::email::mailgun::MailgunProvider;
///
/// let provider = MailgunProvider::builder("key", "mg.example.com", "Example <news@example.com>".parse()?)
///     .eu(true)
///     .require_tls(true)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct MailgunBuilder {
    key: SecretString,
    domain: String,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    eu: bool,
    settings: Settings,
    http: HttpOptions,
}

impl MailgunBuilder {
    pub(super) fn new(key: SecretString, domain: String, from: Mailbox) -> Self {
        Self {
            key,
            domain,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("mailgun"),
            price_micros: None,
            eu: false,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `mailgun`.
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

    /// Whether the domain is in the region EU; a domain is known in its own region only. Default: US, as Mailgun's.
    pub const fn eu(mut self, on: bool) -> Self {
        self.eu = on;
        self
    }

    /// Whether a mail whose way to the reader cannot be encrypted is not delivered. Default: what the domain's settings say.
    pub const fn require_tls(mut self, on: bool) -> Self {
        self.settings.require_tls = on;
        self
    }

    /// Everything is checked by the vendor and nothing is sent (`o:testmode`). Mailgun charges for it all the same. Default: off.
    pub const fn sandbox(mut self, on: bool) -> Self {
        self.settings.sandbox = on;
        self
    }

    /// The server, connections and times. A base URL counts more than [`eu`](Self::eu).
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] or [`ErrorKind::Invalid`], naming what cannot work: an empty key, a domain that is none, a sender that is
    /// no mailbox, and what [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<MailgunProvider> {
        if self.key.expose_secret().trim().is_empty() {
            let error = Error::new(ErrorKind::Config, "the api key must not be empty");
            return Err(error.field("key"));
        }
        let is_domain = self.domain.contains('.')
            && self
                .domain
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-');
        if !is_domain {
            let why = "the sending domain must be one such as mg.example.com";
            return Err(Error::new(ErrorKind::Config, why).field("domain"));
        }
        self.sender.check()?;
        let base = if self.eu {
            "https://api.eu.mailgun.net"
        } else {
            "https://api.mailgun.net"
        };
        let client = HttpClient::builder(base).options(self.http).build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::EMAIL)
            .with_batch(MAX_BATCH)
            .with_reports(true)
            .with_concurrency(client.concurrency());
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(MailgunProvider {
            name: self.name,
            capabilities,
            key: self.key,
            path: format!("/v3/{}/messages", self.domain),
            sender: self.sender,
            settings: self.settings,
            client,
        })
    }
}

impl fmt::Debug for MailgunBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailgunBuilder")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("eu", &self.eu)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `mailgun://KEY@default?domain=…&from=…`.
pub(super) fn parse(dsn: &str) -> Result<MailgunBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "mailgun")?;
    let key = dsn.user("key")?.into();
    let mut builder =
        MailgunBuilder::new(key, dsn.require("domain")?, dsn.require("from")?).http(dsn.options()?);
    match dsn.take::<String>("region")?.as_deref() {
        None | Some("us") => {}
        Some("eu") => builder = builder.eu(true),
        Some(_) => return Err(dsn::error("region", "there is only us and eu")),
    }
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    if let Some(on) = dsn.take("sandbox")? {
        builder = builder.sandbox(on);
    }
    if let Some(on) = dsn.take("require_tls")? {
        builder = builder.require_tls(on);
    }
    dsn.finish()?;
    Ok(builder)
}
