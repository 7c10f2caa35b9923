//! Configuration of a [`MegafonProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::MegafonProvider;
use crate::dsn::VendorDsn;
use crate::sms::gateway::{GatewayOptions, config, gateway_setters, is_callback, required};

/// Options of a [`MegafonProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::megafon::MegafonProvider;
///
/// let provider = MegafonProvider::builder("login", "password", "Example")
///     .status_callback("https://example.com/hooks/megafon?secret=not-to-be-guessed")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct MegafonBuilder {
    login: String,
    password: SecretString,
    callback: Option<String>,
    gateway: GatewayOptions,
}

impl MegafonBuilder {
    pub(super) fn new(login: String, password: SecretString, from: String) -> Self {
        let mut gateway = GatewayOptions::new("megafon").reporting(false);
        gateway.sender = Some(from);
        Self {
            login,
            password,
            callback: None,
            gateway,
        }
    }

    /// Where MegaFon reports what became of a message: an `https://` address of the application, with a secret in it, that hands it to
    /// a [`MegafonWebhook`](super::MegafonWebhook). Default: no reports.
    pub fn status_callback(mut self, url: impl Into<String>) -> Self {
        self.callback = Some(url.into());
        self
    }

    gateway_setters!("megafon");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty login or one with a colon, an empty
    /// password, an empty sender, a callback that is not `https://`, and what [`HttpOptions`](crate::http::HttpOptions) may be
    /// wrong in.
    pub fn build(self) -> Result<MegafonProvider> {
        required("login", &self.login)?;
        if self.login.contains(':') {
            return Err(config("login", "must not hold a colon"));
        }
        if self.password.expose_secret().is_empty() {
            return Err(config("password", "must not be empty"));
        }
        self.callback.as_deref().map_or(Ok(()), is_callback)?;
        Ok(MegafonProvider {
            gateway: self.gateway.build("https://a2p-api.megalabs.ru", 1)?,
            login: self.login,
            password: self.password,
            callback: self.callback,
        })
    }
}

impl fmt::Debug for MegafonBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MegafonBuilder")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `megafon://LOGIN:PASSWORD@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<MegafonBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "megafon")?;
    let (login, password) = (dsn.user("login")?, dsn.password("password")?);
    let mut builder = MegafonBuilder::new(login, password.into(), dsn.require("from")?);
    builder.gateway.read(&mut dsn)?;
    if let Some(url) = dsn.take::<String>("status_callback")? {
        builder = builder.status_callback(url);
    }
    dsn.finish()?;
    Ok(builder)
}
