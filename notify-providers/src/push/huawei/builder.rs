//! Configuration of a [`HuaweiProvider`].

use notify_core::provider::Capabilities;
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;

use super::{HuaweiProvider, MAX_BATCH};
use crate::dsn::VendorDsn;
use crate::http::{HttpClient, HttpOptions};
use crate::push::token::Tokens;

const TOKEN_URL: &str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token";

/// Options of a [`HuaweiProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::push::huawei::HuaweiProvider;
///
/// let provider = HuaweiProvider::builder("100000001", "secret").name("hms").build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct HuaweiBuilder {
    client_id: String,
    secret: SecretString,
    project: Option<String>,
    token_url: String,
    validate_only: bool,
    name: ProviderName,
    price_micros: Option<u64>,
    http: HttpOptions,
}

impl HuaweiBuilder {
    pub(super) fn new(client_id: String, secret: SecretString) -> Self {
        Self {
            client_id,
            secret,
            project: None,
            token_url: TOKEN_URL.to_owned(),
            validate_only: false,
            name: ProviderName::new("huawei"),
            price_micros: None,
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `huawei`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Sends to the tokens of a whole project, by version 2 of the interface. Default: to those of the application that is the client.
    pub fn project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// Where access tokens come from. Default: `https://oauth-login.cloud.huawei.com/oauth2/v3/token`.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.token_url = url.into();
        self
    }

    /// Everything is checked by Huawei and nothing is sent. Default: off.
    pub const fn validate_only(mut self, on: bool) -> Self {
        self.validate_only = on;
        self
    }

    /// Price of one message, in millionths of the account's currency, for routing by cost. Default: unknown.
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
    /// [`ErrorKind::Config`], naming what cannot work: an id with other characters than letters and digits, an empty secret, and what
    /// [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<HuaweiProvider> {
        let is_id = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let config = |field, why| Err(Error::new(ErrorKind::Config, why).field(field));
        if !is_id(&self.client_id) {
            return config("app_id", "must be an id of letters and digits");
        }
        if self.secret.expose_secret().trim().is_empty() {
            return config("secret", "must not be empty");
        }
        let path = match &self.project {
            Some(id) if is_id(id) => format!("/v2/{id}/messages:send"),
            Some(_) => return config("project", "must be an id of letters and digits"),
            None => format!("/v1/{}/messages:send", self.client_id),
        };
        let client = HttpClient::builder("https://push-api.cloud.huawei.com")
            .options(self.http)
            .build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::PUSH)
            .with_batch(MAX_BATCH)
            .with_reports(true)
            .with_concurrency(client.concurrency());
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(HuaweiProvider {
            name: self.name,
            capabilities,
            client_id: self.client_id,
            secret: self.secret,
            token_url: self.token_url,
            path,
            validate_only: self.validate_only,
            tokens: Tokens::new(),
            client,
        })
    }
}

impl fmt::Debug for HuaweiBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuaweiBuilder")
            .field("name", &self.name)
            .field("validate_only", &self.validate_only)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `huawei://APP_ID:APP_SECRET@default`.
pub(super) fn parse(dsn: &str) -> Result<HuaweiBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "huawei")?;
    let (id, secret) = (dsn.user("app_id")?, dsn.password("secret")?);
    let mut builder = HuaweiBuilder::new(id, secret.into()).http(dsn.options()?);
    if let Some(project) = dsn.take::<String>("project")? {
        builder = builder.project(project);
    }
    if let Some(url) = dsn.take::<String>("token_url")? {
        builder = builder.token_url(url);
    }
    if let Some(on) = dsn.take("validate_only")? {
        builder = builder.validate_only(on);
    }
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    dsn.finish()?;
    Ok(builder)
}
