//! Configuration of an [`FcmProvider`].

use notify_core::provider::Capabilities;
use notify_core::secret::SecretString;
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::num::NonZeroUsize;

use super::FcmProvider;
use super::wire::Settings;
use crate::dsn::VendorDsn;
use crate::http::{HttpClient, HttpOptions};
use crate::push::key;
use crate::push::token::Tokens;
use crate::signature::google::ServiceAccount;

/// How many calls share the connections. Google allows some 100 streams on each.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(200).expect("200 is not zero");
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(2).expect("2 is not zero");

/// Options of an [`FcmProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```no_run
/// use notify_providers::push::fcm::FcmProvider;
///
/// # fn example(key_file: String) -> notify_core::Result<()> {
/// let provider = FcmProvider::builder(key_file).name("fcm-eu").build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct FcmBuilder {
    service_account: SecretString,
    project: Option<String>,
    name: ProviderName,
    price_micros: Option<u64>,
    settings: Settings,
    http: HttpOptions,
}

impl FcmBuilder {
    pub(super) fn new(service_account: SecretString) -> Self {
        Self {
            service_account,
            project: None,
            name: ProviderName::new("fcm"),
            price_micros: None,
            settings: Settings::default(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `fcm`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// The project that the devices registered with. Default: the service account's.
    pub fn project(mut self, id: impl Into<String>) -> Self {
        self.project = Some(id.into());
        self
    }

    /// Everything is checked by FCM and nothing is sent. Default: off.
    pub const fn validate_only(mut self, on: bool) -> Self {
        self.settings.validate_only = on;
        self
    }

    /// Price of one message, in millionths of the account's currency, for routing by cost. Default: unknown.
    pub const fn price_micros(mut self, price: u64) -> Self {
        self.price_micros = Some(price);
        self
    }

    /// The server, connections and times. Default: 200 calls at a time over 2 connections, on each of which Google allows some 100.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what cannot work: a service account that is no key file, no project, and what [`HttpOptions`]
    /// may be wrong in.
    pub fn build(self) -> Result<FcmProvider> {
        let account = ServiceAccount::from_json(&self.service_account)
            .map_err(|error| error.field("service_account"))?;
        let project = self.project.as_ref().or(account.project_id.as_ref());
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.:_".contains(&b);
        let project = project.filter(|id| !id.is_empty() && id.bytes().all(allowed));
        let Some(project) = project else {
            let why = "must be the id of a Firebase project, such as shop-1";
            return Err(Error::new(ErrorKind::Config, why).field("project"));
        };
        let client = HttpClient::builder("https://fcm.googleapis.com")
            .options(self.http)
            .http2_only()
            .connections(CONNECTIONS)
            .concurrency(CONCURRENCY)
            .build()?;
        let mut capabilities =
            Capabilities::for_channel(ChannelId::PUSH).with_concurrency(client.concurrency());
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(FcmProvider {
            name: self.name,
            capabilities,
            path: format!("/v1/projects/{project}/messages:send"),
            account,
            settings: self.settings,
            tokens: Tokens::new(),
            client,
        })
    }
}

impl fmt::Debug for FcmBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FcmBuilder")
            .field("name", &self.name)
            .field("project", &self.project)
            .field("settings", &self.settings)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Reads `fcm://default?key_file=…` and `fcm://KEY@default`.
pub(super) fn parse(dsn: &str) -> Result<FcmBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "fcm")?;
    let http = dsn.options()?;
    let account = key::read(dsn.user("key").ok(), dsn.take("key_file")?)?;
    let mut builder = FcmBuilder::new(account).http(http);
    if let Some(project) = dsn.take::<String>("project")? {
        builder = builder.project(project);
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
