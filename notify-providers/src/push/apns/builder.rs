//! Configuration of an [`ApnsProvider`].

use notify_core::provider::Capabilities;
use notify_core::secret::SecretString;
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::num::NonZeroUsize;

use super::token::ProviderTokens;
use super::wire::Settings;
use super::{ApnsProvider, PushType};
use crate::dsn::VendorDsn;
use crate::http::{HttpClient, HttpOptions};
use crate::push::key;
use crate::signature::apns::ApnsKey;

const PRODUCTION: &str = "https://api.push.apple.com";
const SANDBOX: &str = "https://api.sandbox.push.apple.com";
/// How many calls share the connections. Apple allows some 1,000 streams on each.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(200).expect("200 is not zero");

/// Options of an [`ApnsProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```no_run
/// use notify_providers::push::apns::ApnsProvider;
///
/// # fn example(p8: String) -> notify_core::Result<()> {
/// let provider = ApnsProvider::builder("com.example.app", p8, "ABC123DEFG", "DEF123GHIJ")
///     .sandbox(true)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct ApnsBuilder {
    login: Login,
    topic: String,
    sandbox: bool,
    push_type: Option<PushType>,
    name: ProviderName,
    price_micros: Option<u64>,
    http: HttpOptions,
}

/// How we say who we are.
enum Login {
    Certificate(SecretString),
    Key {
        pem: SecretString,
        key_id: String,
        team_id: String,
    },
}

impl ApnsBuilder {
    pub(super) fn with_key(
        topic: String,
        pem: SecretString,
        key_id: String,
        team_id: String,
    ) -> Self {
        Self::new(
            topic,
            Login::Key {
                pem,
                key_id,
                team_id,
            },
        )
    }

    pub(super) fn with_certificate(topic: String, pem: SecretString) -> Self {
        Self::new(topic, Login::Certificate(pem))
    }

    fn new(topic: String, login: Login) -> Self {
        Self {
            login,
            topic,
            sandbox: false,
            push_type: None,
            name: ProviderName::new("apns"),
            price_micros: None,
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `apns`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Asks Apple's server for development. Default: off.
    ///
    /// Tokens of builds from Xcode live there, those from the App Store and TestFlight at the production server, and each server calls
    /// the other's tokens `BadDeviceToken`, which is a recipient fault: give each its provider.
    pub const fn sandbox(mut self, on: bool) -> Self {
        self.sandbox = on;
        self
    }

    /// All messages are of this kind, such as [`PushType::Voip`]. Default: as their payload shows, of the kinds alert, background and
    /// Live Activity.
    pub const fn push_type(mut self, push_type: PushType) -> Self {
        self.push_type = Some(push_type);
        self
    }

    /// Price of one message, in millionths of the account's currency, for routing by cost. Default: unknown.
    pub const fn price_micros(mut self, price: u64) -> Self {
        self.price_micros = Some(price);
        self
    }

    /// The server, connections and times. Default: 200 calls at a time over one connection, on which Apple allows some 1,000.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what cannot work: a topic that is no bundle id, a key or a certificate that does not read, ids
    /// that are not ten characters, and what [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<ApnsProvider> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if self.topic.is_empty() || !self.topic.bytes().all(allowed) {
            let why = "must be a bundle id such as com.example.app";
            return Err(Error::new(ErrorKind::Config, why).field("topic"));
        }
        let host = if self.sandbox { SANDBOX } else { PRODUCTION };
        let client = HttpClient::builder(host)
            .options(self.http)
            .http2_only()
            .concurrency(CONCURRENCY);
        let (client, tokens) = match self.login {
            Login::Certificate(pem) => (client.identity(pem), None),
            Login::Key {
                pem,
                key_id,
                team_id,
            } => {
                let key = ApnsKey::new(&pem, key_id, team_id);
                let key = key.map_err(|error| error.field("key"))?;
                (client, Some(ProviderTokens::new(key)))
            }
        };
        let client = client.build()?;
        let mut capabilities =
            Capabilities::for_channel(ChannelId::PUSH).with_concurrency(client.concurrency());
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(ApnsProvider {
            name: self.name,
            capabilities,
            tokens,
            settings: Settings {
                topic: self.topic,
                push_type: self.push_type,
            },
            client,
        })
    }
}

impl fmt::Debug for ApnsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApnsBuilder")
            .field("name", &self.name)
            .field("topic", &self.topic)
            .field("sandbox", &self.sandbox)
            .field("push_type", &self.push_type)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `apns://KEY_ID:KEY@default?team=…&topic=…`.
pub(super) fn parse(dsn: &str) -> Result<ApnsBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "apns")?;
    let http = dsn.options()?;
    let topic = dsn.require("topic")?;
    let mut builder = match dsn.take("certificate_file")? {
        Some(path) => ApnsBuilder::with_certificate(topic, key::read(None, Some(path))?),
        None => {
            let key_id = dsn.user("key_id")?;
            let team_id = dsn.require("team")?;
            let pem = key::read(dsn.password("key").ok(), dsn.take("key_file")?)?;
            ApnsBuilder::with_key(topic, pem, key_id, team_id)
        }
    };
    builder = builder.http(http);
    if let Some(on) = dsn.take("sandbox")? {
        builder = builder.sandbox(on);
    }
    if let Some(push_type) = dsn.take("push_type")? {
        builder = builder.push_type(push_type);
    }
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    dsn.finish()?;
    Ok(builder)
}
