//! Configuration of a [`WebhookProvider`].

use notify_core::secret::SecretString;
use notify_core::{Error, ErrorKind, Result};
use std::time::Duration;

use super::{CHANNEL, Keys, WebhookProvider, is_url};
use crate::chat::common::{Common, common_setters};
use crate::chat::named::Named;
use crate::dsn::VendorDsn;
use crate::http::{Guard, HttpClient};
use crate::signature::StandardWebhooks;

/// How much of an answer is read: it is a stranger's, and only its status counts.
const MAX_ANSWER: usize = 64 * 1_024;

/// Options of a [`WebhookProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::chat::webhook::WebhookProvider;
/// use notify_providers::http::Guard;
/// use notify_providers::signature::StandardWebhooks;
///
/// let keys = StandardWebhooks::new("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")?;
/// let provider = WebhookProvider::with_keys_by(move |envelope| match envelope.tenant.as_str() {
///     "acme" => Some(keys.clone()),
///     _ => None,
/// })
/// .guard(Guard::new().allow_port(8443))
/// .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct WebhookBuilder {
    common: Common,
    keys: Keys,
    endpoints: Named,
    guard: Guard,
    max_bytes: usize,
    ids_live: Option<Duration>,
}

impl WebhookBuilder {
    pub(super) fn new(keys: Keys) -> Self {
        Self {
            common: Common::named("webhook"),
            keys,
            endpoints: Named::default(),
            guard: Guard::new(),
            max_bytes: 20 * 1_024,
            ids_live: None,
        }
    }

    common_setters!();

    /// A URL under a name, which is then its address: for URLs that hold a secret, or more than the 255 characters of an address.
    pub fn endpoint(mut self, name: impl Into<String>, url: impl Into<SecretString>) -> Self {
        self.endpoints.insert(name.into(), url.into());
        self
    }

    /// Where calls may go. Default: port 443 of public addresses.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    /// The most bytes of a body; a larger one is refused (`too_large`). Default: 20 KiB, the most that the specification recommends.
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// All receivers keep the ids that they have seen for so long, and do nothing with a second one: what is unknown may be sent
    /// again. Default: they do not.
    pub const fn receivers_keep_ids(mut self, time: Duration) -> Self {
        self.ids_live = Some(time);
        self
    }

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming what cannot work: an endpoint that is no URL, no room for a body, and what
    /// [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<WebhookProvider> {
        self.endpoints.check(is_url)?;
        if self.max_bytes < 1_024 {
            let why = "must be at least 1024";
            return Err(Error::new(ErrorKind::Config, why).field("max_bytes"));
        }
        // Every call has a URL of its own.
        let client = HttpClient::builder("https://localhost")
            .options(self.common.http.clone())
            .guard(self.guard)
            .max_body(MAX_ANSWER)
            .build()?;
        let mut capabilities = self.common.capabilities(CHANNEL, &client);
        if let Some(time) = self.ids_live {
            capabilities = capabilities.with_idempotency(time);
        }
        Ok(WebhookProvider {
            name: self.common.name,
            capabilities,
            keys: self.keys,
            endpoints: self.endpoints,
            max_bytes: self.max_bytes,
            client,
        })
    }
}

/// Reads `webhook://whsec_…@default`.
pub(super) fn parse(dsn: &str) -> Result<WebhookBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "webhook")?;
    dsn.only_default()?;
    let named = |error: Error| error.field("secret");
    let mut keys = StandardWebhooks::new(dsn.user("secret")?).map_err(named)?;
    if let Some(also) = dsn.take::<String>("also")? {
        keys = keys.and(also).map_err(|error| error.field("also"))?;
    }
    let mut builder = WebhookBuilder::new(Keys::One(keys));
    builder.common.read(&mut dsn)?;
    builder.endpoints.read(&mut dsn)?;
    if let Some(port) = dsn.take("port")? {
        builder.guard = builder.guard.allow_port(port);
    }
    if let Some(bytes) = dsn.take("max_bytes")? {
        builder.max_bytes = bytes;
    }
    dsn.finish()?;
    Ok(builder)
}
