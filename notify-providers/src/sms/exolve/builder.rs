//! Configuration of an [`ExolveProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::ExolveProvider;
use crate::dsn::VendorDsn;
use crate::sms::gateway::{GatewayOptions, gateway_setters, required};

/// Options of an [`ExolveProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::exolve::ExolveProvider;
///
/// let provider = ExolveProvider::builder("api-key", "79990000000").template(17).build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct ExolveBuilder {
    key: SecretString,
    template: Option<u64>,
    gateway: GatewayOptions,
}

impl ExolveBuilder {
    pub(super) fn new(key: SecretString, from: String) -> Self {
        let mut gateway = GatewayOptions::new("exolve").reporting(true);
        gateway.sender = Some(from);
        Self {
            key,
            template: None,
            gateway,
        }
    }

    /// The approved template that all texts of this provider follow (`template_resource_id`). Default: none.
    pub const fn template(mut self, id: u64) -> Self {
        self.template = Some(id);
        self
    }

    gateway_setters!("exolve");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty key, an empty sender, and what
    /// [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<ExolveProvider> {
        required("key", self.key.expose_secret())?;
        Ok(ExolveProvider {
            gateway: self.gateway.build("https://api.exolve.ru", 1)?,
            key: self.key,
            template: self.template,
        })
    }
}

impl fmt::Debug for ExolveBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExolveBuilder")
            .field("template", &self.template)
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `exolve://API_KEY@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<ExolveBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "exolve")?;
    let mut builder = ExolveBuilder::new(dsn.user("key")?.into(), dsn.require("from")?);
    builder.gateway.read(&mut dsn)?;
    if let Some(template) = dsn.take("template")? {
        builder = builder.template(template);
    }
    dsn.finish()?;
    Ok(builder)
}
