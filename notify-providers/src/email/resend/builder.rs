//! Configuration of a [`ResendProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::time::Duration;

use super::{MAX_BATCH, ResendProvider};
use crate::dsn::VendorDsn;
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// How long Resend remembers a key.
const KEYS_LIVE: Duration = Duration::from_secs(24 * 3_600);

/// Options of a [`ResendProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::email::resend::ResendProvider;
///
/// let provider = ResendProvider::builder("re_key", "Example <news@example.com>".parse()?)
///     .price_micros(400)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct ResendBuilder {
    key: SecretString,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    batches: bool,
    http: HttpOptions,
}

impl ResendBuilder {
    pub(super) fn new(key: SecretString, from: Mailbox) -> Self {
        Self {
            key,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("resend"),
            price_micros: None,
            batches: false,
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `resend`.
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

    /// Whether mails without files and times share a call, up to 100. Default: off, since a mail that is sent again after a lost
    /// answer would then not be recognised. For marketing on: Resend allows few calls a second.
    pub const fn batches(mut self, on: bool) -> Self {
        self.batches = on;
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
    pub fn build(self) -> Result<ResendProvider> {
        if self.key.expose_secret().trim().is_empty() {
            let error = Error::new(ErrorKind::Config, "the api key must not be empty");
            return Err(error.field("key"));
        }
        self.sender.check()?;
        let client = HttpClient::builder("https://api.resend.com")
            .options(self.http)
            .build()?;
        let able = Capabilities::for_channel(ChannelId::EMAIL)
            .with_concurrency(client.concurrency())
            .with_reports(true);
        let mut capabilities = if self.batches {
            able.with_batch(MAX_BATCH)
        } else {
            able.with_idempotency(KEYS_LIVE)
        };
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(ResendProvider {
            name: self.name,
            capabilities,
            key: self.key,
            sender: self.sender,
            batches: self.batches,
            client,
        })
    }
}

impl fmt::Debug for ResendBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResendBuilder")
            .field("name", &self.name)
            .field("batches", &self.batches)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `resend://KEY@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<ResendBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "resend")?;
    let mut builder =
        ResendBuilder::new(dsn.user("key")?.into(), dsn.require("from")?).http(dsn.options()?);
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    if let Some(on) = dsn.take("batches")? {
        builder = builder.batches(on);
    }
    dsn.finish()?;
    Ok(builder)
}
