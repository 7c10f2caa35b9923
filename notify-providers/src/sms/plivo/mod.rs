//! Text messages by Plivo, Message API: <https://www.plivo.com/docs/messaging/api/message>.

mod builder;
mod fault;
mod webhook;

pub use builder::PlivoBuilder;
pub use webhook::PlivoWebhook;

use async_trait::async_trait;
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

use super::Balance;
use super::batch::{self, Common, Part};
use super::callback::url_of;
use super::gateway::{Gateway, gateway_methods};
use crate::http::{Answer, Call};

/// The most numbers of one call. The vendor may take more.
const MAX_BATCH: usize = 100;
/// The shortest and the longest validity, by the vendor's documentation. Another one is brought in between.
const VALIDITY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(10_800));

/// Sends text messages by Plivo.
///
/// - Messages with the same text, sender and validity share a call, up to 100; Plivo names the numbers that it did not take.
/// - Plivo has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the message's `message_uuid`.
/// - Where a [status callback](PlivoBuilder::status_callback) is set, the delivery's id is put into its query for a message that goes
///   alone, so that [`PlivoWebhook`] finds the delivery; those of a call for several are found by their id.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `src`, instead of the provider's |
/// | `validity` | `message_expiry`, 5 s to 3 h |
///
/// ```
/// use notify_providers::sms::plivo::PlivoProvider;
///
/// let provider = PlivoProvider::from_url("plivo://MA0123:token@default?from=+15550100")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct PlivoProvider {
    gateway: Gateway,
    account: String,
    token: SecretString,
    powerpack: Option<String>,
    callback: Option<String>,
}

/// What Plivo says when it has taken a call.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Taken {
    message_uuid: Vec<String>,
    invalid_number: Vec<Value>,
}

impl PlivoProvider {
    /// Options for a provider of this account. A [sender](PlivoBuilder::from) or a [powerpack](PlivoBuilder::powerpack) must be added.
    pub fn builder(
        auth_id: impl Into<String>,
        auth_token: impl Into<SecretString>,
    ) -> PlivoBuilder {
        PlivoBuilder::new(auth_id.into(), auth_token.into())
    }

    /// A provider from one line: `plivo://AUTH_ID:AUTH_TOKEN@default?from=+15550100`.
    ///
    /// The host `default` is `api.plivo.com`. Parameters: `from` or `powerpack` (one is required), `status_callback`,
    /// `transliterate=accents` or `cyrillic`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// What is left on the account (`cash_credits`), in US dollars.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn balance(&self) -> Result<Balance, Fault> {
        let call = Call::get(format!("/v1/Account/{}/", self.account));
        let call = call.basic(&self.account, &self.token);
        let answer = self.gateway.ask(call).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer));
        }
        let said: Value = answer.read().unwrap_or_default();
        let amount = said.get("cash_credits").unwrap_or(&Value::Null);
        let balance = Balance::read(amount, Some("USD".to_owned()));
        balance.ok_or_else(|| Fault::provider("answer"))
    }

    /// The request for messages with the same text. Pure.
    fn body(&self, parts: &[Part<'_>]) -> Value {
        let numbers: Vec<_> = parts.iter().map(|part| part.text.to).collect();
        let mut body = json!({"dst": numbers.join("<"), "type": "sms"});
        let Some(Part { envelope, text }) = parts.first() else {
            return body;
        };
        body["text"] = text.fitted.text.as_ref().into();
        match (&self.powerpack, &text.message.sender) {
            (Some(powerpack), None) => body["powerpack_uuid"] = powerpack.as_str().into(),
            _ => body["src"] = self.gateway.sender(text).into(),
        }
        if let Some(validity) = text.message.validity {
            let seconds = validity.clamp(VALIDITY.0, VALIDITY.1).as_secs();
            body["message_expiry"] = seconds.into();
        }
        if let Some(callback) = &self.callback {
            body["url"] = match parts.len() {
                1 => url_of(callback, envelope).into(),
                _ => callback.as_str().into(),
            };
            body["method"] = "POST".into();
        }
        body
    }

    /// One call for messages with the same text; a result for each.
    async fn call(&self, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
        let envelopes: Vec<&Envelope> = parts.iter().map(|part| part.envelope).collect();
        let call = Call::post(format!("/v1/Account/{}/Message/", self.account))
            .basic(&self.account, &self.token)
            .json(&self.body(parts));
        match self.gateway.client.send(call, &envelopes).await {
            Ok(answer) => results(&answer, parts),
            Err(fault) => vec![Err(fault); parts.len()],
        }
    }
}

/// What the answer says of each message. Pure.
fn results(answer: &Answer, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
    let said = if answer.is_success() {
        answer.json()
    } else {
        Ok(answer.read::<Taken>().unwrap_or_default())
    };
    let taken: Taken = match said {
        Ok(taken) => taken,
        Err(fault) => return vec![Err(fault); parts.len()],
    };
    let digits = |number: &Value| {
        let text = number.as_str().map(str::to_owned);
        let text = text.unwrap_or_else(|| number.to_string());
        text.trim_start_matches('+').to_owned()
    };
    let invalid: Vec<_> = taken.invalid_number.iter().map(digits).collect();
    let is_valid = |part: &&Part<'_>| !invalid.iter().any(|number| number == part.text.digits());
    // The ids are those of the numbers that were taken, in their order.
    let valid = parts.iter().filter(is_valid).count();
    let mut ids = taken.message_uuid.into_iter();
    if answer.is_success() && ids.len() != valid && valid > 1 {
        return vec![Err(Fault::unknown("short_answer")); parts.len()];
    }
    let result = |part: &Part<'_>| {
        if !is_valid(&part) {
            return Err(Fault::recipient("invalid_number"));
        }
        if !answer.is_success() {
            return Err(fault::of(answer));
        }
        match ids.next() {
            Some(id) if !id.is_empty() => Ok(Receipt::with_message_id(id)),
            _ => Err(Fault::unknown("answer")),
        }
    };
    parts.iter().map(result).collect()
}

#[async_trait]
impl Provider for PlivoProvider {
    fn name(&self) -> &ProviderName {
        &self.gateway.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.gateway.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        batch::key(message, Common::Text)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let text = self.gateway.text(envelope)?;
        let mut results = self.call(&[Part { envelope, text }]).await;
        results
            .pop()
            .unwrap_or_else(|| Err(Fault::unknown("short_answer")))
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let text = |envelope| self.gateway.text(envelope);
        let (mut results, groups) = batch::groups(batch, MAX_BATCH, Common::Text, text);
        for group in groups {
            let answers = self.call(&group.parts).await;
            batch::put(&mut results, &group.places, answers);
        }
        results
    }
}

impl fmt::Debug for PlivoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlivoProvider")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
