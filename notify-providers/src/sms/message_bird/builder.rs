//! Configuration of a [`MessageBirdProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::{MAX_BATCH, MessageBirdProvider};
use crate::dsn::VendorDsn;
use crate::sms::gateway::{GatewayOptions, gateway_setters, is_callback, required};

/// Options of a [`MessageBirdProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::message_bird::MessageBirdProvider;
///
/// let provider = MessageBirdProvider::builder("access-key", "Example")
///     .status_callback("https://example.com/hooks/message_bird")
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct MessageBirdBuilder {
    key: SecretString,
    callback: Option<String>,
    gateway: GatewayOptions,
}

impl MessageBirdBuilder {
    pub(super) fn new(key: SecretString, from: String) -> Self {
        let mut gateway = GatewayOptions::new("message_bird").reporting(true);
        gateway.sender = Some(from);
        Self {
            key,
            callback: None,
            gateway,
        }
    }

    /// Where MessageBird reports what became of a message: an `https://` address of the application that hands it to a
    /// [`MessageBirdWebhook`](super::MessageBirdWebhook). Default: that of the account's settings, if there is one.
    pub fn status_callback(mut self, url: impl Into<String>) -> Self {
        self.callback = Some(url.into());
        self
    }

    gateway_setters!("message_bird");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty key, an empty sender, a callback that
    /// is not `https://`, and what [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<MessageBirdProvider> {
        required("key", self.key.expose_secret())?;
        self.callback.as_deref().map_or(Ok(()), is_callback)?;
        Ok(MessageBirdProvider {
            gateway: self
                .gateway
                .build("https://rest.messagebird.com", MAX_BATCH)?,
            key: self.key,
            callback: self.callback,
        })
    }
}

impl fmt::Debug for MessageBirdBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBirdBuilder")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `message-bird://ACCESS_KEY@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<MessageBirdBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "message-bird")?;
    let mut builder = MessageBirdBuilder::new(dsn.user("key")?.into(), dsn.require("from")?);
    builder.gateway.read(&mut dsn)?;
    if let Some(url) = dsn.take::<String>("status_callback")? {
        builder = builder.status_callback(url);
    }
    dsn.finish()?;
    Ok(builder)
}
