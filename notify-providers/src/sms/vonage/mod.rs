//! Text messages by Vonage (formerly Nexmo), SMS API: <https://developer.vonage.com/en/api/sms>.

mod builder;
mod fault;
mod webhook;

pub use builder::{VonageBuilder, VonageSignature};
pub use webhook::VonageWebhook;

use async_trait::async_trait;
use notify_core::clock::Timestamp;
use notify_core::provider::{Capabilities, Envelope, Fault, Price, Provider, Receipt};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ProviderName, Result};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

use super::gateway::{Gateway, gateway_methods};
use super::text::Text;
use super::{Balance, Encoding};
use crate::http::{Answer, Call};
use crate::signature::{seconds, vonage};

/// The shortest and the longest validity, by the vendor's documentation. Another one is brought in between.
const VALIDITY: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(604_800));

/// Sends text messages by Vonage, one a call.
///
/// - Vonage has no idempotency keys: what is unknown may have gone out. It answers for each segment; if it takes some of them and not
///   others, that is the unknown fault `partial`.
/// - [`Receipt::message_id`] is the id of the first segment. Each segment is reported with an id of its own and the delivery's
///   in `client-ref`, by which [`VonageWebhook`] finds the delivery.
/// - Requests carry the account's secret, or a [signature](VonageBuilder::signed) made with another one.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `from`, instead of the provider's |
/// | `validity` | `ttl`, 20 s to 7 days, in milliseconds |
///
/// ```
/// use notify_providers::sms::vonage::VonageProvider;
///
/// let provider = VonageProvider::from_url("vonage://key:secret@default?from=Example")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct VonageProvider {
    gateway: Gateway,
    key: String,
    secret: SecretString,
    signature: Option<(VonageSignature, SecretString)>,
    callback: Option<String>,
}

impl VonageProvider {
    /// Options for a provider with the account's API key and secret, whose messages are from this number or name.
    pub fn builder(
        key: impl Into<String>,
        secret: impl Into<SecretString>,
        from: impl Into<String>,
    ) -> VonageBuilder {
        VonageBuilder::new(key.into(), secret.into(), from.into())
    }

    /// A provider from one line: `vonage://KEY:SECRET@default?from=Example`.
    ///
    /// The host `default` is `rest.nexmo.com`. Parameters: `from` (required), `status_callback`, `signature=sha256` (or `sha1`,
    /// `sha512`) with `signature_secret`, `transliterate=accents` or `cyrillic`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// What is left on the account, in euros.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn balance(&self) -> Result<Balance, Fault> {
        let call = Call::get("/account/get-balance").basic(&self.key, &self.secret);
        let answer = self.gateway.ask(call).await?;
        if !answer.is_success() {
            return Err(answer.refusal().fault(&[]));
        }
        let said: Value = answer.read().unwrap_or_default();
        let amount = said.get("value").unwrap_or(&Value::Null);
        let balance = Balance::read(amount, Some("EUR".to_owned()));
        balance.ok_or_else(|| Fault::provider("answer"))
    }

    /// The request for one message at this time. Pure.
    fn form(&self, envelope: &Envelope, text: &Text<'_>, now: Timestamp) -> Vec<(String, String)> {
        let mut form: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: String| form.push((name.to_owned(), value));
        add("api_key", self.key.clone());
        let from = self.gateway.sender(text).unwrap_or_default();
        add("from", from.trim_start_matches('+').to_owned());
        add("to", text.digits().to_owned());
        add("text", text.fitted.text.to_string());
        if text.fitted.segments.encoding == Encoding::Ucs2 {
            add("type", "unicode".to_owned());
        }
        add("client-ref", envelope.delivery.to_string());
        if let Some(validity) = text.message.validity {
            let ttl = validity.clamp(VALIDITY.0, VALIDITY.1).as_millis();
            add("ttl", ttl.to_string());
        }
        if let Some(callback) = &self.callback {
            add("status-report-req", "1".to_owned());
            add("callback", callback.clone());
        }
        match &self.signature {
            None => add("api_secret", self.secret.expose_secret().to_owned()),
            Some((method, secret)) => {
                add("timestamp", seconds(now).to_string());
                let secret = secret.expose_secret().as_bytes();
                let sig = vonage::sign(secret, method.hash(), &form);
                form.push(("sig".to_owned(), sig));
            }
        }
        form
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer, own_sender: bool) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(answer.refusal().fault(&[]));
    }
    let said: fault::Said = answer.json()?;
    let mut refused = said.messages.iter().filter(|part| !part.is_taken());
    let Some(first) = refused.next() else {
        let id = said.messages.first().and_then(|part| part.id.as_deref());
        let id = id.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Fault::unknown("answer"))?;
        return Ok(priced(Receipt::with_message_id(id), &said.messages));
    };
    if 1 + refused.count() < said.messages.len() {
        return Err(Fault::unknown("partial"));
    }
    Err(fault::of(answer, first, own_sender))
}

/// With the segments that were taken, and what they cost, if the vendor says so of each: accounts are kept in euros.
fn priced(mut receipt: Receipt, segments: &[fault::Segment]) -> Receipt {
    receipt.segments = u16::try_from(segments.len()).ok();
    let prices = segments
        .iter()
        .map(|part| Price::parse(part.price.as_deref()?, "EUR"));
    receipt.price = prices.reduce(|sum, price| sum?.and(price?)).flatten();
    receipt
}

#[async_trait]
impl Provider for VonageProvider {
    fn name(&self) -> &ProviderName {
        &self.gateway.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.gateway.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let text = self.gateway.text(envelope)?;
        let form = self.form(envelope, &text, self.gateway.client.now());
        let call = Call::post("/sms/json").form(form);
        let answer = self.gateway.client.send(call, &[envelope]).await?;
        receipt(&answer, text.message.sender.is_some())
    }
}

impl fmt::Debug for VonageProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VonageProvider")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
