//! Configuration of a [`SendGridProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;

use super::wire::Settings;
use super::{MAX_BATCH, SendGridProvider};
use crate::dsn::VendorDsn;
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// Options of a [`SendGridProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::email::sendgrid::SendGridProvider;
/// use notify_providers::http::HttpOptions;
///
/// let provider = SendGridProvider::builder("SG.key", "Example <news@example.com>".parse()?)
///     .http(HttpOptions::new().base_url("https://api.eu.sendgrid.com"))
///     .unsubscribe_group(17)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct SendGridBuilder {
    key: SecretString,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    settings: Settings,
    http: HttpOptions,
}

impl SendGridBuilder {
    pub(super) fn new(key: SecretString, from: Mailbox) -> Self {
        Self {
            key,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("sendgrid"),
            price_micros: None,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `sendgrid`.
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

    /// The group that the vendor's own links unsubscribe from (`asm`). Default: none, and whoever unsubscribes there gets nothing more
    /// from the account.
    pub const fn unsubscribe_group(mut self, group: u64) -> Self {
        self.settings.unsubscribe_group = Some(group);
        self
    }

    /// Everything is checked by the vendor and nothing is sent. Default: off.
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
    pub fn build(self) -> Result<SendGridProvider> {
        if self.key.expose_secret().trim().is_empty() {
            let error = Error::new(ErrorKind::Config, "the api key must not be empty");
            return Err(error.field("key"));
        }
        for mailbox in [Some(&self.sender.from), self.sender.reply_to.as_ref()]
            .into_iter()
            .flatten()
        {
            Mailbox::new(mailbox.name.as_str(), mailbox.email.as_str())?;
        }
        let client = HttpClient::builder("https://api.sendgrid.com")
            .options(self.http)
            .build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::EMAIL)
            .with_batch(MAX_BATCH)
            .with_concurrency(client.concurrency())
            .with_reports(true);
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(SendGridProvider {
            name: self.name,
            capabilities,
            key: self.key,
            sender: self.sender,
            settings: self.settings,
            client,
        })
    }
}

impl fmt::Debug for SendGridBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGridBuilder")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `sendgrid://KEY@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<SendGridBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "sendgrid")?;
    let mut builder =
        SendGridBuilder::new(dsn.user("key")?.into(), dsn.require("from")?).http(dsn.options()?);
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    if let Some(on) = dsn.take("sandbox")? {
        builder = builder.sandbox(on);
    }
    if let Some(group) = dsn.take("unsubscribe_group")? {
        builder = builder.unsubscribe_group(group);
    }
    dsn.finish()?;
    Ok(builder)
}
