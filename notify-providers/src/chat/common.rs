//! What the builders of all chat services have in common.

use notify_core::provider::Capabilities;
use notify_core::{ChannelId, ProviderName, Result};

use crate::dsn::VendorDsn;
use crate::http::{HttpClient, HttpOptions};

/// The options that every chat provider has.
#[derive(Debug)]
pub(crate) struct Common {
    pub(crate) name: ProviderName,
    pub(crate) price_micros: Option<u64>,
    pub(crate) refuse_long: bool,
    pub(crate) http: HttpOptions,
}

impl Common {
    pub(crate) fn named(name: &'static str) -> Self {
        Self {
            name: ProviderName::new(name),
            price_micros: None,
            refuse_long: false,
            http: HttpOptions::new(),
        }
    }

    /// Takes `name` and what all vendors have.
    pub(crate) fn read(&mut self, dsn: &mut VendorDsn) -> Result<()> {
        self.http = dsn.options()?;
        if let Some(name) = dsn.take::<String>("name")? {
            self.name = name.into();
        }
        Ok(())
    }

    /// Takes these and `refuse_long_texts`.
    pub(crate) fn read_with_texts(&mut self, dsn: &mut VendorDsn) -> Result<()> {
        self.read(dsn)?;
        if let Some(on) = dsn.take("refuse_long_texts")? {
            self.refuse_long = on;
        }
        Ok(())
    }

    pub(crate) fn capabilities(&self, channel: ChannelId, client: &HttpClient) -> Capabilities {
        let capabilities =
            Capabilities::for_channel(channel).with_concurrency(client.concurrency());
        match self.price_micros {
            Some(price) => capabilities.with_price_micros(price),
            None => capabilities,
        }
    }
}

/// The setters of [`Common`], for a builder that has it as `common`.
macro_rules! common_setters {
    () => {
        /// Its name, unique in the application. Default: the name of the service.
        pub fn name(mut self, name: impl Into<notify_core::ProviderName>) -> Self {
            self.common.name = name.into();
            self
        }

        /// Price of one message, in millionths of the account's currency, for routing by cost. Default: unknown.
        pub const fn price_micros(mut self, price: u64) -> Self {
            self.common.price_micros = Some(price);
            self
        }

        /// The server, connections and times.
        pub fn http(mut self, options: $crate::http::HttpOptions) -> Self {
            self.common.http = options;
            self
        }
    };
}
pub(crate) use common_setters;

/// The setter for texts that are too long, for services with a limit.
macro_rules! long_text_setter {
    () => {
        /// Whether a text that is too long for the service is refused (`text_too_long`). Default: no, it is cut.
        pub const fn refuse_long_texts(mut self, on: bool) -> Self {
            self.common.refuse_long = on;
            self
        }
    };
}
pub(crate) use long_text_setter;
