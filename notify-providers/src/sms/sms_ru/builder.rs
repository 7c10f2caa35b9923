//! Configuration of a [`SmsRuProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::{MAX_BATCH, SmsRuProvider};
use crate::dsn::VendorDsn;
use crate::sms::gateway::{GatewayOptions, gateway_setters, required};

/// Options of a [`SmsRuProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::Transliteration;
/// use notify_providers::sms::sms_ru::SmsRuProvider;
///
/// let provider = SmsRuProvider::builder("00000000-0000-0000-0000-000000000000")
///     .from("Example")
///     .transliteration(Transliteration::new().cyrillic())
///     .test(true)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct SmsRuBuilder {
    api_id: SecretString,
    gateway: GatewayOptions,
    test: bool,
    partner: Option<String>,
}

impl SmsRuBuilder {
    pub(super) fn new(api_id: SecretString) -> Self {
        Self {
            api_id,
            gateway: GatewayOptions::new("sms_ru").reporting(false),
            test: false,
            partner: None,
        }
    }

    /// Messages are from this name, which must be approved. Default: the account's own setting.
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.gateway.sender = Some(sender.into());
        self
    }

    /// Everything is checked by the vendor, nothing is sent and nothing is paid. Default: off.
    pub const fn test(mut self, on: bool) -> Self {
        self.test = on;
        self
    }

    /// The number of a partner of SMS.ru, for accounts that came by one. Default: none.
    pub fn partner(mut self, id: impl Into<String>) -> Self {
        self.partner = Some(id.into());
        self
    }

    gateway_setters!("sms_ru");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty `api_id`, an empty sender, and what
    /// [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<SmsRuProvider> {
        required("api_id", self.api_id.expose_secret())?;
        Ok(SmsRuProvider {
            gateway: self.gateway.build("https://sms.ru", MAX_BATCH)?,
            api_id: self.api_id,
            test: self.test,
            partner: self.partner,
        })
    }
}

impl fmt::Debug for SmsRuBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsRuBuilder")
            .field("gateway", &self.gateway)
            .field("test", &self.test)
            .finish_non_exhaustive()
    }
}

/// Reads `sms-ru://API_ID@default?from=…`.
pub(super) fn parse(dsn: &str) -> Result<SmsRuBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "sms-ru")?;
    let mut builder = SmsRuBuilder::new(dsn.user("api_id")?.into());
    builder.gateway.read(&mut dsn)?;
    if let Some(on) = dsn.take("test")? {
        builder = builder.test(on);
    }
    if let Some(partner) = dsn.take::<String>("partner")? {
        builder = builder.partner(partner);
    }
    dsn.finish()?;
    Ok(builder)
}
