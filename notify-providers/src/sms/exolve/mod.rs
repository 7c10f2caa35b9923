//! Text messages by MTS Exolve, SMS API: <https://docs.exolve.ru/docs/ru/api-reference/sms-api/>.
//!
//! Exolve is what MTS offers now for what was «МТС Коммуникатор»: accounts of that service are served by this module, with a new API
//! key. MTS Marketolog is another product with another interface.

mod builder;
mod fault;
mod webhook;

pub use builder::ExolveBuilder;
pub use webhook::ExolveWebhook;

use async_trait::async_trait;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde_json::{Value, json};
use std::fmt;

use super::callback::word;
use super::gateway::{Gateway, gateway_methods};
use super::text::Text;
use crate::http::{Answer, Call};
use crate::unsupported::unsupported;

/// Sends text messages by MTS Exolve (formerly «МТС Коммуникатор»), one a call.
///
/// - Exolve has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the message's `message_id`; [`ExolveWebhook`] reads the reports.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `number`, instead of the provider's: a number of the account or an approved name |
/// | `validity` | refused: Exolve has none |
///
/// ```
/// use notify_providers::sms::exolve::ExolveProvider;
///
/// let provider = ExolveProvider::from_url("exolve://API_KEY@default?from=79990000000&transliterate=cyrillic")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct ExolveProvider {
    gateway: Gateway,
    key: SecretString,
    template: Option<u64>,
}

impl ExolveProvider {
    /// Options for a provider with the application's API key, whose messages are from this number or name.
    pub fn builder(key: impl Into<SecretString>, from: impl Into<String>) -> ExolveBuilder {
        ExolveBuilder::new(key.into(), from.into())
    }

    /// A provider from one line: `exolve://API_KEY@default?from=79990000000`.
    ///
    /// The host `default` is `api.exolve.ru`. Parameters: `from` (required), `template`, `transliterate=accents` or `cyrillic`, `name`,
    /// `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// The request for one message. Pure.
    fn body(&self, text: &Text<'_>) -> Value {
        let from = self.gateway.sender(text).unwrap_or_default();
        let mut body = json!({
            "number": from.trim_start_matches('+'),
            "destination": text.digits(),
            "text": text.fitted.text,
        });
        if let Some(template) = self.template {
            body["template_resource_id"] = template.into();
        }
        body
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if let Some(fault) = fault::of(answer) {
        return Err(fault);
    }
    let said: Value = answer.json()?;
    let id = word(&said, "message_id").ok_or_else(|| Fault::unknown("answer"))?;
    Ok(Receipt::with_message_id(id))
}

#[async_trait]
impl Provider for ExolveProvider {
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
        let call = Call::post("/messaging/v1/SendSMS")
            .bearer(&self.key)
            .json(&self.body(&text));
        receipt(&self.gateway.client.send(call, &[envelope]).await?)
    }
}

impl fmt::Debug for ExolveProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExolveProvider")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
