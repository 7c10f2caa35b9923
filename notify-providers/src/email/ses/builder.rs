//! Configuration of a [`SesProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::sync::RwLock;

use super::wire::Settings;
use super::{SesProvider, bulk, signer};
use crate::dsn::VendorDsn;
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// Options of a [`SesProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::email::ses::SesProvider;
///
/// let from = "Example <news@example.com>".parse()?;
/// let provider = SesProvider::builder("AKIDEXAMPLE", "secret", "eu-west-1", from)
///     .configuration_set("events")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct SesBuilder {
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    region: String,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    settings: Settings,
    http: HttpOptions,
}

impl SesBuilder {
    pub(super) fn new(
        access_key_id: String,
        secret_access_key: SecretString,
        region: String,
        from: Mailbox,
    ) -> Self {
        Self {
            access_key_id,
            secret_access_key,
            session_token: None,
            region,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("ses"),
            price_micros: None,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// The token that belongs to temporary credentials. Default: none.
    pub fn session_token(mut self, token: impl Into<SecretString>) -> Self {
        self.session_token = Some(token.into());
        self
    }

    /// The configuration set of every mail: events are published by one. Default: that of the sending identity.
    pub fn configuration_set(mut self, name: impl Into<String>) -> Self {
        self.settings.configuration_set = Some(name.into());
        self
    }

    /// Whether mails without files share a call, up to 50, by `SendBulkEmail`. Each keeps its own content, headers and tags and has
    /// its own result. Default: off. SES knows templates only there: it puts the content into one that is nothing but places, and
    /// what it cannot put there is not refused but reported later, as `Rendering Failure`.
    pub const fn bulk(mut self, on: bool) -> Self {
        self.settings.bulk = on;
        self
    }

    /// Its name, unique in the application. Default: `ses`.
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

    /// The server, connections and times. A base URL must not have a path.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] or [`ErrorKind::Invalid`], naming what cannot work: an empty key, a region that is none, a sender that is
    /// no mailbox, and what [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<SesProvider> {
        let config =
            |field: &'static str, why: &str| Error::new(ErrorKind::Config, why).field(field);
        let is_key = |key: &str| !key.is_empty() && key.bytes().all(|b| b.is_ascii_graphic());
        if !is_key(&self.access_key_id) {
            return Err(config(
                "access_key_id",
                "the access key id must not be empty",
            ));
        }
        if !is_key(self.secret_access_key.expose_secret()) {
            return Err(config(
                "secret_access_key",
                "the secret access key must not be empty",
            ));
        }
        let is_region = self.region.contains('-')
            && self
                .region
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_region {
            return Err(config("region", "the region must be one such as eu-west-1"));
        }
        self.sender.check()?;
        let client = HttpClient::builder(format!("https://email.{}.amazonaws.com", self.region))
            .options(self.http)
            .build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::EMAIL)
            .with_concurrency(client.concurrency())
            .with_reports(true);
        if self.settings.bulk {
            capabilities = capabilities.with_batch(bulk::MAX_BATCH);
        }
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        let signer = signer(
            self.access_key_id,
            self.secret_access_key,
            self.session_token,
            &self.region,
        );
        Ok(SesProvider {
            name: self.name,
            capabilities,
            region: self.region,
            signer: RwLock::new(signer),
            sender: self.sender,
            settings: self.settings,
            client,
        })
    }
}

impl fmt::Debug for SesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SesBuilder")
            .field("name", &self.name)
            .field("region", &self.region)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `ses://ACCESS_KEY_ID:SECRET@default?region=…&from=…`.
pub(super) fn parse(dsn: &str) -> Result<SesBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "ses")?;
    let (id, secret) = (
        dsn.user("access_key_id")?,
        dsn.password("secret_access_key")?,
    );
    let mut builder = SesBuilder::new(
        id,
        secret.into(),
        dsn.require("region")?,
        dsn.require("from")?,
    )
    .http(dsn.options()?);
    if let Some(token) = dsn.take::<String>("session_token")? {
        builder = builder.session_token(token);
    }
    if let Some(name) = dsn.take::<String>("configuration_set")? {
        builder = builder.configuration_set(name);
    }
    if let Some(on) = dsn.take("bulk")? {
        builder = builder.bulk(on);
    }
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    dsn.finish()?;
    Ok(builder)
}
