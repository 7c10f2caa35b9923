//! Configuration of a [`WebPushProvider`].

use notify_core::provider::Capabilities;
use notify_core::secret::SecretString;
use notify_core::{ChannelId, ProviderName, Result};
use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use super::encrypt::Padding;
use super::vapid::Vapid;
use super::{VapidKey, WebPushProvider};
use crate::dsn::{self, VendorDsn};
use crate::http::{Guard, HttpClient, HttpOptions};

/// The push services of the browsers: Chrome and what is built on it, Firefox, Safari, Edge. For
/// [`only_hosts`](WebPushBuilder::only_hosts).
pub const BROWSER_SERVICES: [&str; 4] = [
    "fcm.googleapis.com",
    "*.push.services.mozilla.com",
    "*.push.apple.com",
    "*.notify.windows.com",
];

/// Options of a [`WebPushProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::push::web_push::{BROWSER_SERVICES, VapidKey, WebPushProvider};
///
/// let provider = WebPushProvider::builder(VapidKey::generate()?, "https://example.com/contact")
///     .only_hosts(BROWSER_SERVICES)
///     .padding(128)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct WebPushBuilder {
    key: VapidKey,
    contact: String,
    name: ProviderName,
    price_micros: Option<u64>,
    padding: Padding,
    declarative: bool,
    hosts: Option<Vec<String>>,
    guard: Guard,
    http: HttpOptions,
}

impl WebPushBuilder {
    pub(super) fn new(key: VapidKey, contact: String) -> Self {
        Self {
            key,
            contact,
            name: ProviderName::new("web_push"),
            price_micros: None,
            padding: Padding::None,
            declarative: false,
            hosts: None,
            guard: Guard::new(),
            http: HttpOptions::new(),
        }
    }

    /// Its name, unique in the application. Default: `web_push`.
    pub fn name(mut self, name: impl Into<ProviderName>) -> Self {
        self.name = name.into();
        self
    }

    /// Messages with a title and a link (`click_action`, `https://…`) are written so that a browser which knows declarative messages
    /// shows them and follows the link without a service worker. Buttons are left out of them. Others read the same JSON as ever.
    /// Default: off, because such a browser does not ask the service worker then.
    pub const fn declarative(mut self, on: bool) -> Self {
        self.declarative = on;
        self
    }

    /// Messages are made longer, to a multiple of so many bytes as far as they fit, so that their length tells less. Default: not.
    pub const fn padding(mut self, bytes: usize) -> Self {
        self.padding = Padding::Block(bytes);
        self
    }

    /// Only endpoints of these hosts are called; `*.example.com` is every host below `example.com`. Default: all that the guard allows,
    /// because whoever makes a browser or an application for UnifiedPush may run a service.
    pub fn only_hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        let hosts = hosts.into_iter().map(Into::into);
        self.hosts = Some(
            hosts
                .map(|host: String| host.to_ascii_lowercase())
                .collect(),
        );
        self
    }

    /// Where endpoints may lead. Default: `https://`, port 443, public addresses.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// Price of one message, in millionths of the account's currency, for routing by cost. Default: unknown.
    pub const fn price_micros(mut self, price: u64) -> Self {
        self.price_micros = Some(price);
        self
    }

    /// Certificates and times. The base URL means nothing here: each subscription has its own.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config): a contact that is neither `mailto:…` nor `https://…`, and what
    /// [`HttpOptions`] may be wrong in.
    pub fn build(self) -> Result<WebPushProvider> {
        let vapid = Vapid::new(self.key, self.contact).map_err(|error| error.field("contact"))?;
        // The base is never asked.
        let client = HttpClient::builder("https://localhost")
            .options(self.http)
            .guard(self.guard)
            .build()?;
        let mut capabilities =
            Capabilities::for_channel(ChannelId::PUSH).with_concurrency(client.concurrency());
        if let Some(price) = self.price_micros {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(WebPushProvider {
            name: self.name,
            capabilities,
            vapid,
            authorizations: Mutex::new(HashMap::new()),
            padding: self.padding,
            declarative: self.declarative,
            hosts: self.hosts,
            client,
        })
    }
}

impl fmt::Debug for WebPushBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPushBuilder")
            .field("name", &self.name)
            .field("key", &self.key)
            .field("declarative", &self.declarative)
            .field("padding", &self.padding)
            .field("hosts", &self.hosts)
            .field("guard", &self.guard)
            .field("http", &self.http)
            .finish()
    }
}

/// Reads `web-push://PRIVATE_KEY@default?contact=…`.
pub(super) fn parse(dsn: &str) -> Result<WebPushBuilder> {
    let (_, authority, _) = dsn::split(dsn);
    let server = authority
        .rsplit_once('@')
        .map_or(authority, |(_, server)| server);
    if server.trim_end_matches('/') != "default" {
        return Err(dsn::error("host", "must be `default`"));
    }
    let mut dsn = VendorDsn::parse(dsn, "web-push")?;
    let key = SecretString::from(dsn.user("key")?);
    let key = VapidKey::from_private_key(&key).map_err(|error| error.field("key"))?;
    let mut builder = WebPushBuilder::new(key, dsn.require("contact")?).http(dsn.options()?);
    if dsn.take("browsers_only")?.unwrap_or(false) {
        builder = builder.only_hosts(BROWSER_SERVICES);
    }
    if let Some(on) = dsn.take("declarative")? {
        builder = builder.declarative(on);
    }
    if let Some(bytes) = dsn.take("padding")? {
        builder = builder.padding(bytes);
    }
    if let Some(name) = dsn.take::<String>("name")? {
        builder = builder.name(name);
    }
    dsn.finish()?;
    Ok(builder)
}
