//! Configuration of a [`SmscProvider`].

use notify_core::Result;
use notify_core::secret::ExposeSecret as _;
use std::fmt;

use super::{Login, MAX_BATCH, SmscProvider};
use crate::dsn::VendorDsn;
use crate::sms::gateway::{GatewayOptions, config, gateway_setters, required};

/// Options of a [`SmscProvider`]. Setters never fail; [`build`](Self::build) checks everything.
///
/// ```
/// use notify_providers::sms::smsc::SmscProvider;
/// use notify_providers::sms::{PriceTable, Transliteration};
///
/// let provider = SmscProvider::with_api_key("key")
///     .from("Example")
///     .transliteration(Transliteration::new().cyrillic())
///     .prices(PriceTable::new().with("+7", 3_800_000)?.with_default(9_000_000))
///     .build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[must_use]
pub struct SmscBuilder {
    login: Login,
    gateway: GatewayOptions,
}

impl SmscBuilder {
    pub(super) fn new(login: Login) -> Self {
        Self {
            login,
            gateway: GatewayOptions::new("smsc").reporting(true),
        }
    }

    /// Messages are from this name or number, which must be registered with SMSC. Default: the account's own setting.
    pub fn from(mut self, sender: impl Into<String>) -> Self {
        self.gateway.sender = Some(sender.into());
        self
    }

    gateway_setters!("smsc");

    /// Checks everything and makes the provider. Opens no connection.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config), naming what cannot work: an empty login, password or key, an empty
    /// sender, and what [`HttpOptions`](crate::http::HttpOptions) may be wrong in.
    pub fn build(self) -> Result<SmscProvider> {
        match &self.login {
            Login::ApiKey(key) => required("key", key.expose_secret())?,
            Login::Password { login, psw } => {
                required("login", login)?;
                if psw.expose_secret().is_empty() {
                    return Err(config("password", "must not be empty"));
                }
            }
        }
        Ok(SmscProvider {
            gateway: self.gateway.build("https://smsc.ru", MAX_BATCH)?,
            login: self.login,
        })
    }
}

impl fmt::Debug for SmscBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmscBuilder")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}

/// Reads `smsc://LOGIN:PASSWORD@default?from=…` and `smsc://API_KEY@default`.
pub(super) fn parse(dsn: &str) -> Result<SmscBuilder> {
    let mut dsn = VendorDsn::parse(dsn, "smsc")?;
    let user = dsn.user("login")?;
    let login = match dsn.password("password") {
        Ok(password) => Login::Password {
            login: user,
            psw: password.into(),
        },
        Err(_) => Login::ApiKey(user.into()),
    };
    let mut builder = SmscBuilder::new(login);
    builder.gateway.read(&mut dsn)?;
    dsn.finish()?;
    Ok(builder)
}
