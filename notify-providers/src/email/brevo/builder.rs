//! Configuration of a [`BrevoProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::time::Duration;

use super::wire::Settings;
use super::{BrevoProvider, MAX_BATCH};
use crate::dsn::VendorDsn;
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// How long Brevo remembers a key, by the shorter of its own statements.
const KEYS_LIVE: Duration = Duration::from_secs(15 * 60);

/// Options of a [`BrevoProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::email::brevo::BrevoProvider;
///
/// let provider = BrevoProvider::builder("xkeysib-key", "Example <news@example.com>".parse()?)
///     .sandbox(true)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct BrevoBuilder {
    key: SecretString,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    settings: Settings,
    http: HttpOptions,
}

impl BrevoBuilder {
    pub(super) fn new(key: SecretString, from: Mailbox) -> Self {
        Self {
            key,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("brevo"),
            price_micros: None,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `brevo`.
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

    /// Whether mails share a call, up to 1,000, each as a version of its own. Default: off, since a mail that is sent again after a
    /// lost answer would then not be recognised.
    pub const fn batches(mut self, on: bool) -> Self {
        self.settings.batches = on;
        self
    }

    /// Everything is checked by the vendor and nothing is sent (`X-Sib-Sandbox: drop`). Default: off.
    pub const fn sandbox(mut self, on: bool) -> Self {
        self.settings.sandbox = on;
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
    pub fn build(self) -> Result<BrevoProvider> {
        if self.key.expose_secret().trim().is_empty() {
            let error = Error::new(ErrorKind::Config, "the api key must not be empty");
            return Err(error.field("key"));
        }
        self.sender.check()?;
        let client = HttpClient::builder("https://api.brevo.com")
            .options(self.http)
            .build()?;
        let able = Capabilities::for_channel(ChannelId::EMAIL)
            .with_concurrency(client.concurrency())
            .with_reports(true);
        let mut capabilities = if self.settings.batches {
            able.with_batch(MAX_BATCH)
        } else {
            able.with_idempotency(KEYS_LIVE)
        };
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(BrevoProvider {
            name: self.name,
            capabilities,
            key: self.key,
            sender: self.sender,
            settings: self.settings,
            client,
        })
    }
}

impl fmt::Debug for BrevoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrevoBuilder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `brevo://KEY@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<BrevoBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "brevo")?;
    let mut builder =
        BrevoBuilder::new(dsn.user("key")?.into(), dsn.require("from")?).http(dsn.options()?);
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    if let Some(on) = dsn.take("sandbox")? {
        builder = builder.sandbox(on);
    }
    if let Some(on) = dsn.take("batches")? {
        builder = builder.batches(on);
    }
    dsn.finish()?;
    Ok(builder)
}
