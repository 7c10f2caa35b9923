//! What the providers of all vendors of text messages are made of: the options that are the same for each, and what becomes of them.

use notify_core::channel::Overflow;
use notify_core::provider::{Capabilities, Envelope, Fault};
use notify_core::{ChannelId, Error, ErrorKind, ProviderName, Result};
use std::fmt;
use std::time::Duration;

use super::text::Text;
use super::{PriceTable, Transliteration};
use crate::dsn::{self, VendorDsn};
use crate::http::{Answer, Call, HttpClient, HttpOptions};

/// The longest that a question without a message takes, such as one for the balance.
const QUESTION: Duration = Duration::from_secs(10);

/// What an application may say to any vendor.
pub(crate) struct GatewayOptions {
    pub(crate) name: ProviderName,
    pub(crate) sender: Option<String>,
    pub(crate) overflow: Option<Overflow>,
    pub(crate) transliteration: Option<Transliteration>,
    pub(crate) prices: Option<PriceTable>,
    pub(crate) price_micros: Option<u64>,
    pub(crate) http: HttpOptions,
    /// Its vendor reports what becomes of messages, and passes on what readers answer.
    reports: bool,
    answers: bool,
}

impl GatewayOptions {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name: ProviderName::new(name),
            sender: None,
            overflow: None,
            transliteration: None,
            prices: None,
            price_micros: None,
            http: HttpOptions::new(),
            reports: false,
            answers: false,
        }
    }

    /// The same, of a vendor that reports what becomes of messages, and may pass on what readers answer.
    pub(crate) const fn reporting(mut self, answers: bool) -> Self {
        (self.reports, self.answers) = (true, answers);
        self
    }

    /// Takes what every vendor's line may have: the server and its times, `from`, `name`, `transliterate`.
    pub(crate) fn read(&mut self, dsn: &mut VendorDsn) -> Result<()> {
        self.http = dsn.options()?;
        if let Some(from) = dsn.take("from")? {
            self.sender = Some(from);
        }
        if let Some(name) = dsn.take::<String>("name")? {
            self.name = name.into();
        }
        if let Some(letters) = dsn.take::<String>("transliterate")? {
            self.transliteration = Some(match letters.as_str() {
                "accents" => Transliteration::new(),
                "cyrillic" => Transliteration::new().cyrillic(),
                _ => return Err(dsn::error("transliterate", "is not accents or cyrillic")),
            });
        }
        Ok(())
    }

    /// Checks everything. `base` is the vendor's server, `batch` the most messages of a call.
    pub(crate) fn build(self, base: &str, batch: usize) -> Result<Gateway> {
        let bad = |from: &String| from.trim().is_empty() || from.chars().any(char::is_control);
        if self.sender.as_ref().is_some_and(bad) {
            return Err(config("from", "must be a number or a name"));
        }
        let client = HttpClient::builder(base).options(self.http).build()?;
        let mut capabilities = Capabilities::for_channel(ChannelId::SMS)
            .with_batch(batch)
            .with_reports(self.reports)
            .with_answers(self.answers)
            .with_concurrency(client.concurrency());
        let usual = self.prices.as_ref().and_then(PriceTable::default_micros);
        if let Some(price) = self.price_micros.or(usual) {
            capabilities = capabilities.with_price_micros(price);
        }
        Ok(Gateway {
            name: self.name,
            capabilities,
            client,
            sender: self.sender,
            overflow: self.overflow,
            transliteration: self.transliteration,
            prices: self.prices,
        })
    }
}

/// A configuration that cannot work, by the name of the option.
pub(crate) fn config(field: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::Config, why).field(field)
}

/// Checks an option that goes into every request, such as an account or a key.
pub(crate) fn required(field: &'static str, value: &str) -> Result<()> {
    let fine = !value.is_empty() && !value.contains(|c: char| c.is_control() || c.is_whitespace());
    if fine {
        Ok(())
    } else {
        Err(config(field, "must not be empty or hold spaces"))
    }
}

/// Checks the address for reports.
pub(crate) fn is_callback(url: &str) -> Result<()> {
    let readable = url.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    if url.starts_with("https://") && readable {
        Ok(())
    } else {
        Err(config("status_callback", "must be an https:// URL"))
    }
}

impl fmt::Debug for GatewayOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewayOptions")
            .field("name", &self.name)
            .field("overflow", &self.overflow)
            .field("transliteration", &self.transliteration)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// One account with a vendor, ready to be asked.
pub(crate) struct Gateway {
    pub(crate) name: ProviderName,
    pub(crate) capabilities: Capabilities,
    pub(crate) client: HttpClient,
    sender: Option<String>,
    overflow: Option<Overflow>,
    transliteration: Option<Transliteration>,
    prices: Option<PriceTable>,
}

impl Gateway {
    /// The text as it is sent, if it can be.
    pub(crate) fn text<'a>(&self, envelope: &'a Envelope) -> Result<Text<'a>, Fault> {
        Text::rewritten(envelope, self.overflow, self.transliteration)
    }

    /// Who the message is from: what it says, else what the provider says.
    pub(crate) fn sender<'a>(&'a self, text: &'a Text<'_>) -> Option<&'a str> {
        let own = text.message.sender.as_deref();
        own.or(self.sender.as_deref())
    }

    /// What the message will cost, by the price table.
    pub(crate) fn estimate(&self, envelope: &Envelope) -> Option<u64> {
        let text = self.text(envelope).ok()?;
        self.prices.as_ref()?.cost(text.to, text.fitted.segments)
    }

    /// Asks something that sends no message.
    pub(crate) async fn ask(&self, call: Call) -> Result<Answer, Fault> {
        self.client.fetch(call, QUESTION).await
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("overflow", &self.overflow)
            .field("transliteration", &self.transliteration)
            .finish_non_exhaustive()
    }
}

/// The setters of every vendor's builder, which keeps its [`GatewayOptions`] as `gateway`; the literal is the provider's usual name.
macro_rules! gateway_setters {
    ($name:literal) => {
        #[doc = concat!("Its name, unique in the application. Default: `", $name, "`.")]
        pub fn name(mut self, name: impl Into<notify_core::ProviderName>) -> Self {
            self.gateway.name = name.into();
            self
        }

        /// What happens to texts of more than one segment, where they do not say. Default: by class,
        /// [`Overflow::of`](notify_core::channel::Overflow::of).
        pub const fn overflow(mut self, overflow: notify_core::channel::Overflow) -> Self {
            self.gateway.overflow = Some(overflow);
            self
        }

        /// Texts are written in the alphabet of GSM-7 as far as they can be, before they are counted: a segment then takes 160
        /// characters instead of 70. Default: they are sent as they are, for it changes the text.
        pub const fn transliteration(mut self, to: $crate::sms::Transliteration) -> Self {
            self.gateway.transliteration = Some(to);
            self
        }

        /// What a segment costs by the beginning of the number, for `estimate_micros` of the provider; its default price is what
        /// routing by cost goes by, unless [`price_micros`](Self::price_micros) says otherwise. Default: no prices.
        pub fn prices(mut self, prices: $crate::sms::PriceTable) -> Self {
            self.gateway.prices = Some(prices);
            self
        }

        /// Price of one segment, in millionths of the account's currency, for routing by cost. Default: that of
        /// [`prices`](Self::prices), else unknown.
        pub const fn price_micros(mut self, price: u64) -> Self {
            self.gateway.price_micros = Some(price);
            self
        }

        /// The server, connections and times.
        pub fn http(mut self, options: $crate::http::HttpOptions) -> Self {
            self.gateway.http = options;
            self
        }
    };
}
pub(crate) use gateway_setters;

/// What every provider can say about the price of a message; it keeps its [`Gateway`] as `gateway`.
macro_rules! gateway_methods {
    () => {
        /// What this message will cost, in millionths of the account's currency: its segments, as they would be sent, by the price
        /// table of the builder. `None` if the table has no price for the number, or the message cannot be sent.
        #[must_use]
        pub fn estimate_micros(&self, envelope: &notify_core::provider::Envelope) -> Option<u64> {
            self.gateway.estimate(envelope)
        }
    };
}
pub(crate) use gateway_methods;
