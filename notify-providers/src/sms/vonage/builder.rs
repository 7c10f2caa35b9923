//! Configuration of a [`VonageProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::VonageProvider;
use crate::dsn::VendorDsn;
use crate::signature::hmac::Hash;
use crate::signature::vonage;
use crate::sms::gateway::{GatewayOptions, config, gateway_setters, is_callback, required};

/// How requests and reports are signed, as the account's settings say.
///
/// The MD5 methods of these settings, one of which is the usual one of old accounts, are not supported: choose SHA-256 HMAC there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VonageSignature {
    /// SHA-1 HMAC.
    Sha1,
    /// SHA-256 HMAC.
    Sha256,
    /// SHA-512 HMAC.
    Sha512,
}

impl VonageSignature {
    pub(super) const fn hash(self) -> Hash {
        match self {
            Self::Sha1 => Hash::Sha1,
            Self::Sha256 => Hash::Sha256,
            Self::Sha512 => Hash::Sha512,
        }
    }

    fn read(setting: &str) -> Result<Self> {
        match vonage::hash(setting).map_err(|error| error.field("signature"))? {
            Hash::Sha1 => Ok(Self::Sha1),
            Hash::Sha512 => Ok(Self::Sha512),
            _ => Ok(Self::Sha256),
        }
    }
}

/// Options of a [`VonageProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::vonage::{VonageProvider, VonageSignature};
///
/// let provider = VonageProvider::builder("key", "secret", "Example")
///     .signed(VonageSignature::Sha256, "signature-secret")
///     .status_callback("https://example.com/hooks/vonage")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct VonageBuilder {
    key: String,
    secret: SecretString,
    gateway: GatewayOptions,
    signature: Option<(VonageSignature, SecretString)>,
    callback: Option<String>,
}

impl VonageBuilder {
    pub(super) fn new(key: String, secret: SecretString, from: String) -> Self {
        let mut gateway = GatewayOptions::new("vonage").reporting(true);
        gateway.sender = Some(from);
        Self {
            key,
            secret,
            gateway,
            signature: None,
            callback: None,
        }
    }

    /// Requests are signed with the account's signature secret instead of carrying its API secret. Default: they carry it.
    pub fn signed(mut self, method: VonageSignature, secret: impl Into<SecretString>) -> Self {
        self.signature = Some((method, secret.into()));
        self
    }

    /// Where Vonage reports what became of a message: an `https://` address of the application, of at most 100 characters, that
    /// hands it to a [`VonageWebhook`](super::VonageWebhook). Default: that of the account's settings, if there is one.
    pub fn status_callback(mut self, url: impl Into<String>) -> Self {
        self.callback = Some(url.into());
        self
    }

    gateway_setters!("vonage");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty key or secret, an empty sender, a
    /// callback that is not `https://` or too long, and what [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<VonageProvider> {
        required("key", &self.key)?;
        required("secret", self.secret.expose_secret())?;
        if let Some((_, secret)) = &self.signature {
            required("signature_secret", secret.expose_secret())?;
        }
        if let Some(url) = &self.callback {
            is_callback(url)?;
            if url.len() > 100 {
                return Err(config(
                    "status_callback",
                    "must have at most 100 characters",
                ));
            }
        }
        Ok(VonageProvider {
            gateway: self.gateway.build("https://rest.nexmo.com", 1)?,
            key: self.key,
            secret: self.secret,
            signature: self.signature,
            callback: self.callback,
        })
    }
}

impl fmt::Debug for VonageBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VonageBuilder")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `vonage://KEY:SECRET@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<VonageBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "vonage")?;
    let (key, secret) = (dsn.user("key")?, dsn.password("secret")?);
    let mut builder = VonageBuilder::new(key, secret.into(), dsn.require("from")?);
    builder.gateway.read(&mut dsn)?;
    if let Some(url) = dsn.take::<String>("status_callback")? {
        builder = builder.status_callback(url);
    }
    if let Some(method) = dsn.take::<String>("signature")? {
        let method = VonageSignature::read(&method)?;
        builder = builder.signed(method, dsn.require::<String>("signature_secret")?);
    }
    dsn.finish()?;
    Ok(builder)
}
