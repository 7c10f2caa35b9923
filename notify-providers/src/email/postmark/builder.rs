//! Configuration of a [`PostmarkProvider`].

use notify_core::channel::Mailbox;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;

use super::wire::Settings;
use super::{MAX_BATCH, PostmarkProvider};
use crate::dsn::VendorDsn;
use crate::email::mail::Sender;
use crate::http::{HttpClient, HttpOptions};

/// The token that everything is checked with and nothing sent, of the vendor's documentation.
const TEST_TOKEN: &str = "POSTMARK_API_TEST";

/// Options of a [`PostmarkProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::email::postmark::PostmarkProvider;
///
/// let provider = PostmarkProvider::builder("server-token", "Example <news@example.com>".parse()?)
///     .message_stream("outbound")
///     .marketing_stream("newsletters")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct PostmarkBuilder {
    token: SecretString,
    sender: Sender,
    name: ProviderName,
    price_micros: Option<u64>,
    sandbox: bool,
    settings: Settings,
    http: HttpOptions,
}

impl PostmarkBuilder {
    pub(super) fn new(token: SecretString, from: Mailbox) -> Self {
        Self {
            token,
            sender: Sender {
                from,
                reply_to: None,
            },
            name: ProviderName::new("postmark"),
            price_micros: None,
            sandbox: false,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `postmark`.
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

    /// The message stream that mails go by. Default: the server's `outbound`.
    pub fn message_stream(mut self, id: impl Into<String>) -> Self {
        self.settings.stream = Some(id.into());
        self
    }

    /// The message stream of marketing mail: Postmark wants it in a stream of type Broadcasts. Default: that of all mail.
    pub fn marketing_stream(mut self, id: impl Into<String>) -> Self {
        self.settings.marketing_stream = Some(id.into());
        self
    }

    /// Everything is checked by the vendor and nothing is sent: in place of the token its test token is used. Default: off.
    pub const fn sandbox(mut self, on: bool) -> Self {
        self.sandbox = on;
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
    /// [`ErrorKind::Config`] or [`ErrorKind::Invalid`], naming what cannot work: an empty token, a sender that is no mailbox, and
    /// what [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<PostmarkProvider> {
        if self.token.expose_secret().trim().is_empty() {
            let error = Error::new(ErrorKind::Config, "the server token must not be empty");
            return Err(error.field("token"));
        }
        self.sender.check()?;
        let client = HttpClient::builder("https://api.postmarkapp.com")
            .options(self.http)
            .build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::EMAIL)
            .with_batch(MAX_BATCH)
            .with_reports(true)
            .with_concurrency(client.concurrency());
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(PostmarkProvider {
            name: self.name,
            capabilities,
            token: if self.sandbox {
                TEST_TOKEN.into()
            } else {
                self.token
            },
            sender: self.sender,
            settings: self.settings,
            client,
        })
    }
}

impl fmt::Debug for PostmarkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostmarkBuilder")
            .field("name", &self.name)
            .field("sandbox", &self.sandbox)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `postmark://TOKEN@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<PostmarkBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "postmark")?;
    let mut builder =
        PostmarkBuilder::new(dsn.user("token")?.into(), dsn.require("from")?).http(dsn.options()?);
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    if let Some(mailbox) = dsn.take("reply_to")? {
        builder = builder.reply_to(mailbox);
    }
    if let Some(on) = dsn.take("sandbox")? {
        builder = builder.sandbox(on);
    }
    if let Some(id) = dsn.take::<String>("stream")? {
        builder = builder.message_stream(id);
    }
    if let Some(id) = dsn.take::<String>("marketing_stream")? {
        builder = builder.marketing_stream(id);
    }
    dsn.finish()?;
    Ok(builder)
}
