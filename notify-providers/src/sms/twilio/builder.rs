//! Configuration of a [`TwilioProvider`].

use notify_core::channel::Overflow;
use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;

use super::{Login, Sender, TwilioProvider};
use crate::dsn::VendorDsn;
use crate::http::{HttpClient, HttpOptions};

/// Options of a [`TwilioProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_core::channel::Overflow;
/// use notify_providers::sms::twilio::TwilioProvider;
///
/// let provider = TwilioProvider::builder("AC0123", "token")
///     .messaging_service("MG0123")
///     .status_callback("https://example.com/hooks/twilio")
///     .overflow(Overflow::split(3))
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct TwilioBuilder {
    account: String,
    login: Login,
    sender: Option<Sender>,
    name: ProviderName,
    callback: Option<String>,
    smart_encoding: bool,
    overflow: Option<Overflow>,
    price_micros: Option<u64>,
    http: HttpOptions,
}

impl TwilioBuilder {
    pub(super) fn new(account: String, token: SecretString) -> Self {
        Self {
            login: Login {
                user: account.clone(),
                secret: token,
            },
            account,
            sender: None,
            name: ProviderName::new("twilio"),
            callback: None,
            smart_encoding: false,
            overflow: None,
            price_micros: None,
            http: HttpOptions::new(),
        }
    }

    /// Calls with an API key (`SK…`) and its secret instead of the account's token, which can be withdrawn alone. Webhooks are signed
    /// with the account's token all the same.
    pub fn api_key(mut self, sid: impl Into<String>, secret: impl Into<SecretString>) -> Self {
        self.login = Login {
            user: sid.into(),
            secret: secret.into(),
        };
        self
    }

    /// Messages are from this number, short code or name. The last of this and [`messaging_service`](Self::messaging_service) counts.
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.sender = Some(Sender::From(sender.into()));
        self
    }

    /// Messages are from a sender that this messaging service (`MG…`) chooses.
    pub fn messaging_service(mut self, sid: impl Into<String>) -> Self {
        self.sender = Some(Sender::Service(sid.into()));
        self
    }

    /// Its name, unique in the application. Default: `twilio`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Where Twilio reports what became of a message: an `https://` address of the application that hands it to a
    /// [`TwilioWebhook`](super::TwilioWebhook). Default: none, or that of the messaging service.
    pub fn status_callback(mut self, url: impl Into<String>) -> Self {
        self.callback = Some(url.into());
        self
    }

    /// Twilio writes typographic characters in a way that needs fewer segments. Default: off, for it changes the text.
    pub const fn smart_encoding(mut self, on: bool) -> Self {
        self.smart_encoding = on;
        self
    }

    /// What happens to texts of more than one segment, where they do not say. Default: by class, [`Overflow::of`].
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = Some(overflow);
        self
    }

    /// Price of one segment, in millionths of the account's currency, for routing by cost. Default: unknown.
    pub const fn price_micros(mut self, price: u64) -> Self {
        self.price_micros = Some(price);
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
    /// [`ErrorKind::Config`], naming what cannot work: a SID with other characters than letters and digits, an empty token, no
    /// sender, a callback that is not `https://`, and what [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<TwilioProvider> {
        let config = |field, why| Err(Error::new(ErrorKind::Config, why).field(field));
        if !is_sid(&self.account) {
            return config("account", "must be an account sid such as AC0123");
        }
        if !is_sid(&self.login.user) || self.login.secret.expose_secret().is_empty() {
            return config("credentials", "must be a sid and its token or secret");
        }
        let sender = match self.sender {
            Some(Sender::From(from)) if from.trim().is_empty() => {
                return config("from", "must not be empty");
            }
            Some(Sender::Service(sid)) if !is_sid(&sid) => {
                return config("messaging_service", "must be a sid such as MG0123");
            }
            Some(sender) => sender,
            None => return config("from", "or messaging_service must be given"),
        };
        let callback = self.callback.as_deref();
        let readable = |url: &str| url.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        if callback.is_some_and(|url| !url.starts_with("https://") || !readable(url)) {
            return config("status_callback", "must be an https:// URL");
        }
        let client = HttpClient::builder("https://api.twilio.com")
            .options(self.http)
            .build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::SMS)
            .with_concurrency(client.concurrency())
            .with_reports(true)
            .with_answers(true);
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(TwilioProvider {
            name: self.name,
            capabilities,
            account: self.account,
            login: self.login,
            sender,
            callback: self.callback,
            smart_encoding: self.smart_encoding,
            overflow: self.overflow,
            client,
        })
    }
}

fn is_sid(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl fmt::Debug for TwilioBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioBuilder")
            .field("name", &self.name)
            .field("overflow", &self.overflow)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `twilio://SID:TOKEN@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<TwilioBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "twilio")?;
    let (user, password) = (dsn.user("account")?, dsn.password("token")?);
    let mut builder = match dsn.take::<String>("account")? {
        Some(account) => TwilioBuilder::new(account, "".into()).api_key(user, password),
        None => TwilioBuilder::new(user, password.into()),
    };
    builder = builder.http(dsn.options()?);
    if let Some(from) = dsn.take::<String>("from")? {
        builder = builder.from(from);
    }
    if let Some(sid) = dsn.take::<String>("messaging_service")? {
        builder = builder.messaging_service(sid);
    }
    if let Some(url) = dsn.take::<String>("status_callback")? {
        builder = builder.status_callback(url);
    }
    if let Some(on) = dsn.take("smart_encoding")? {
        builder = builder.smart_encoding(on);
    }
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    dsn.finish()?;
    Ok(builder)
}
