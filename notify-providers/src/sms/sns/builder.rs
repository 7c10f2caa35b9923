//! Configuration of a [`SnsProvider`].

use notify_core::Result;
use notify_core::secret::{ExposeSecret as _, SecretString};
use std::fmt;

use super::SnsProvider;
use crate::dsn::{self, VendorDsn};
use crate::signature::sigv4::Signer;
use crate::sms::gateway::{GatewayOptions, config, gateway_setters, required};

/// What a message is to SNS: how it is routed, and in some countries whether it may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnsSmsType {
    /// At the lowest cost.
    Promotional,
    /// For the highest reliability.
    Transactional,
}

impl SnsSmsType {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Promotional => "Promotional",
            Self::Transactional => "Transactional",
        }
    }
}

/// Options of a [`SnsProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::sns::{SnsProvider, SnsSmsType};
///
/// let provider = SnsProvider::builder("AKIDEXAMPLE", "secret access key", "eu-west-1")
///     .from("Example")
///     .sms_type(SnsSmsType::Transactional)
///     .max_price_micros(500_000)
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct SnsBuilder {
    key: String,
    secret: SecretString,
    region: String,
    token: Option<SecretString>,
    sms_type: Option<SnsSmsType>,
    max_price: Option<u64>,
    gateway: GatewayOptions,
}

impl SnsBuilder {
    pub(super) fn new(key: String, secret: SecretString, region: String) -> Self {
        Self {
            key,
            secret,
            region,
            token: None,
            sms_type: None,
            max_price: None,
            gateway: GatewayOptions::new("sns"),
        }
    }

    /// The token that belongs to temporary credentials. They are not renewed here. Default: none.
    pub fn session_token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Messages are from this name, or from this number of the account. Default: the account's own setting.
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.gateway.sender = Some(sender.into());
        self
    }

    /// What all messages are. Default: promotional for marketing, else transactional.
    pub const fn sms_type(mut self, sms_type: SnsSmsType) -> Self {
        self.sms_type = Some(sms_type);
        self
    }

    /// The most that a message may cost, in millionths of a US dollar; SNS does not send a dearer one. Default: no limit.
    pub const fn max_price_micros(mut self, price: u64) -> Self {
        self.max_price = Some(price);
        self
    }

    gateway_setters!("sns");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty key or secret, a region that is none, an
    /// empty sender, and what [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<SnsProvider> {
        required("access_key_id", &self.key)?;
        if self.secret.expose_secret().is_empty() {
            return Err(config("secret_access_key", "must not be empty"));
        }
        let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if self.region.is_empty() || !self.region.bytes().all(fine) {
            return Err(config("region", "must be a region such as eu-west-1"));
        }
        let domain = match self.region.starts_with("cn-") {
            true => "amazonaws.com.cn",
            false => "amazonaws.com",
        };
        let base = format!("https://sns.{}.{domain}", self.region);
        let mut signer = Signer::new(self.key, self.secret, self.region, "sns");
        if let Some(token) = self.token {
            required("session_token", token.expose_secret())?;
            signer = signer.session_token(token);
        }
        Ok(SnsProvider {
            gateway: self.gateway.build(&base, 1)?,
            signer,
            sms_type: self.sms_type,
            max_price: self.max_price.map(dollars),
        })
    }
}

/// Millionths of a dollar as SNS writes prices: `0.5`.
fn dollars(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let text = text.trim_end_matches('0');
    text.trim_end_matches('.').to_owned()
}

impl fmt::Debug for SnsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnsBuilder")
            .field("region", &self.region)
            .field("sms_type", &self.sms_type)
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `sns://ACCESS_KEY_ID:SECRET_ACCESS_KEY@default?region=…`.
pub(super) fn parse(dsn: &str) -> Result<SnsBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "sns")?;
    let (key, secret) = (
        dsn.user("access_key_id")?,
        dsn.password("secret_access_key")?,
    );
    let mut builder = SnsBuilder::new(key, secret.into(), dsn.require("region")?);
    builder.gateway.read(&mut dsn)?;
    if let Some(token) = dsn.take::<String>("session_token")? {
        builder = builder.session_token(token);
    }
    builder = match dsn.take::<String>("type")?.as_deref() {
        None => builder,
        Some("promotional") => builder.sms_type(SnsSmsType::Promotional),
        Some("transactional") => builder.sms_type(SnsSmsType::Transactional),
        Some(_) => return Err(dsn::error("type", "is not promotional or transactional")),
    };
    if let Some(price) = dsn.take("max_price_micros")? {
        builder = builder.max_price_micros(price);
    }
    dsn.finish()?;
    Ok(builder)
}

#[cfg(test)]
mod tests {
    use super::dollars;

    #[test]
    fn a_price_is_written_without_what_it_does_not_need() {
        for (micros, text) in [
            (500_000, "0.5"),
            (1_000_000, "1"),
            (10_000_001, "10.000001"),
            (0, "0"),
        ] {
            assert_eq!(dollars(micros), text);
        }
    }
}
