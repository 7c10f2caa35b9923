//! Text messages by MegaFon's A2P platform («МегаФон Таргет», «Мегалабс»): `POST /sms/v1/sms` of `a2p-api.megalabs.ru`.
//!
//! The vendor gives its documentation to customers only. What is here was put together from public clients of this interface; what is
//! not certain is left to the vendor to refuse.

mod builder;
mod webhook;

pub use builder::MegafonBuilder;
pub use webhook::MegafonWebhook;

use async_trait::async_trait;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

use super::callback::{url_of, word};
use super::gateway::{Gateway, gateway_methods};
use super::text::Text;
use crate::http::{Answer, Call, Rule, Verdict, When};
use crate::unsupported::unsupported;

/// Its own codes are not published: they are the request's, and all else goes by the status.
const RULES: &[Rule] = &[
    (When::Status(404), Verdict::Config), // the base URL is not the vendor's
];

/// Sends text messages by MegaFon, one a call.
///
/// - MegaFon has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the message's `msg_id`.
/// - A refusal by a code of its own is the request's fault. Which codes mean a dead number is not published, so none is taken for
///   one: what does not arrive is reported to the [`MegafonWebhook`].
/// - Where a [status callback](MegafonBuilder::status_callback) is set, the delivery's id is put into its query.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `from`, instead of the provider's; it must be registered |
/// | `validity` | refused: MegaFon has none |
///
/// ```
/// use notify_providers::sms::megafon::MegafonProvider;
///
/// let provider = MegafonProvider::from_url("megafon://login:password@default?from=Example")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct MegafonProvider {
    gateway: Gateway,
    login: String,
    password: SecretString,
    callback: Option<String>,
}

#[derive(Deserialize)]
struct Said {
    result: Value,
}

impl MegafonProvider {
    /// Options for a provider of this account, whose messages are from this name.
    pub fn builder(
        login: impl Into<String>,
        password: impl Into<SecretString>,
        from: impl Into<String>,
    ) -> MegafonBuilder {
        MegafonBuilder::new(login.into(), password.into(), from.into())
    }

    /// A provider from one line: `megafon://LOGIN:PASSWORD@default?from=Example`.
    ///
    /// The host `default` is `a2p-api.megalabs.ru`. Parameters: `from` (required), `status_callback`, `transliterate=accents` or
    /// `cyrillic`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// The request for one message. Pure.
    fn body(&self, envelope: &Envelope, text: &Text<'_>) -> Value {
        let number = text.digits().parse::<u64>();
        let mut body = json!({
            "from": self.gateway.sender(text),
            "to": number.map_or_else(|_| text.digits().into(), Value::from),
            "message": text.fitted.text,
        });
        if let Some(callback) = &self.callback {
            body["callback_url"] = url_of(callback, envelope).into();
        }
        body
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(answer.refusal().fault(RULES));
    }
    let Said { result } = answer.json()?;
    let code = result.get("status").and_then(|status| word(status, "code"));
    match code.as_deref() {
        Some("0") => {
            let id = word(&result, "msg_id").ok_or_else(|| Fault::unknown("answer"))?;
            Ok(Receipt::with_message_id(id))
        }
        Some(code) => Err(answer.refusal().code(Some(code)).fault(RULES)),
        None => Err(Fault::unknown("answer")),
    }
}

#[async_trait]
impl Provider for MegafonProvider {
    fn name(&self) -> &ProviderName {
        &self.gateway.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.gateway.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let text = self.gateway.text(envelope)?;
        if text.message.validity.is_some() {
            return Err(unsupported("validity"));
        }
        let call = Call::post("/sms/v1/sms")
            .basic(&self.login, &self.password)
            .json(&self.body(envelope, &text));
        receipt(&self.gateway.client.send(call, &[envelope]).await?)
    }
}

impl fmt::Debug for MegafonProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MegafonProvider")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
