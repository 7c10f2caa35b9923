//! Configuration of a [`PlivoProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::{MAX_BATCH, PlivoProvider};
use crate::dsn::VendorDsn;
use crate::sms::gateway::{GatewayOptions, config, gateway_setters, is_callback, required};

/// Options of a [`PlivoProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::plivo::PlivoProvider;
///
/// let provider = PlivoProvider::builder("MA0123", "token")
///     .from("+15550100")
///     .status_callback("https://example.com/hooks/plivo")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct PlivoBuilder {
    account: String,
    token: SecretString,
    gateway: GatewayOptions,
    powerpack: Option<String>,
    callback: Option<String>,
}

impl PlivoBuilder {
    pub(super) fn new(account: String, token: SecretString) -> Self {
        Self {
            account,
            token,
            gateway: GatewayOptions::new("plivo").reporting(true),
            powerpack: None,
            callback: None,
        }
    }

    /// Messages are from this number, short code or name.
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.gateway.sender = Some(sender.into());
        self
    }

    /// Messages that name no sender are from one that this powerpack chooses, whatever [`from`](Self::from) says.
    pub fn powerpack(mut self, uuid: impl Into<String>) -> Self {
        self.powerpack = Some(uuid.into());
        self
    }

    /// Where Plivo reports what became of a message: an `https://` address of the application that hands it to a
    /// [`PlivoWebhook`](super::PlivoWebhook). Default: that of the application or powerpack, if there is one.
    pub fn status_callback(mut self, url: impl Into<String>) -> Self {
        self.callback = Some(url.into());
        self
    }

    gateway_setters!("plivo");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an auth id with other characters than letters
    /// and digits, an empty token, no sender, a callback that is not `https://`, and what [`HttpOptions`](crate::http::HttpOptions)
    /// may be wrong in.
    pub fn build(self) -> Result<PlivoProvider> {
        let is_id =
            |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_id(&self.account) {
            return Err(config("account", "must be an auth id such as MA0123"));
        }
        required("token", self.token.expose_secret())?;
        if let Some(powerpack) = &self.powerpack {
            required("powerpack", powerpack)?;
        } else if self.gateway.sender.is_none() {
            return Err(config("from", "or powerpack must be given"));
        }
        self.callback.as_deref().map_or(Ok(()), is_callback)?;
        Ok(PlivoProvider {
            gateway: self.gateway.build("https://api.plivo.com", MAX_BATCH)?,
            account: self.account,
            token: self.token,
            powerpack: self.powerpack,
            callback: self.callback,
        })
    }
}

impl fmt::Debug for PlivoBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlivoBuilder")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `plivo://AUTH_ID:AUTH_TOKEN@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<PlivoBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "plivo")?;
    let (account, token) = (dsn.user("account")?, dsn.password("token")?);
    let mut builder = PlivoBuilder::new(account, token.into());
    builder.gateway.read(&mut dsn)?;
    if let Some(uuid) = dsn.take::<String>("powerpack")? {
        builder = builder.powerpack(uuid);
    }
    if let Some(url) = dsn.take::<String>("status_callback")? {
        builder = builder.status_callback(url);
    }
    dsn.finish()?;
    Ok(builder)
}
