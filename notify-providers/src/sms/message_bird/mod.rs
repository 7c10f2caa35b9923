//! Text messages by MessageBird (now Bird), SMS REST API: <https://developers.messagebird.com/api/sms-messaging/>.

mod builder;
mod fault;
mod webhook;

pub use builder::MessageBirdBuilder;
pub use webhook::MessageBirdWebhook;

use async_trait::async_trait;
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt;

use super::batch::{self, Common, Part, blames_all, part_id};
use super::callback::word;
use super::gateway::{Gateway, gateway_methods};
use super::{Balance, Encoding};
use crate::http::{Answer, Call};

/// The most numbers of one call, by the vendor's documentation.
const MAX_BATCH: usize = 50;

/// Sends text messages by MessageBird.
///
/// - This is the interface of accounts at `rest.messagebird.com`, not the Channels API of Bird.
/// - Messages with the same text, sender and validity share a call, up to 50.
/// - MessageBird has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the vendor's id of the call and a hash of the number, because MessageBird gives one id to all
///   numbers of a call; [`MessageBirdWebhook`] makes the same of its reports. The delivery's id is the `reference` of a message that
///   goes alone.
/// - The vendor's test keys check everything and send nothing.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `originator`, instead of the provider's |
/// | `validity` | `validity`, in seconds |
///
/// ```
/// use notify_providers::sms::message_bird::MessageBirdProvider;
///
/// let provider = MessageBirdProvider::from_url("message-bird://ACCESS_KEY@default?from=Example")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct MessageBirdProvider {
    gateway: Gateway,
    key: SecretString,
    callback: Option<String>,
}

/// What MessageBird says when it has taken a call.
#[derive(Deserialize)]
struct Taken {
    id: String,
    #[serde(default)]
    recipients: Recipients,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Recipients {
    items: Vec<Value>,
}

impl MessageBirdProvider {
    /// Options for a provider with this access key, whose messages are from this number or name.
    pub fn builder(key: impl Into<SecretString>, from: impl Into<String>) -> MessageBirdBuilder {
        MessageBirdBuilder::new(key.into(), from.into())
    }

    /// A provider from one line: `message-bird://ACCESS_KEY@default?from=Example`.
    ///
    /// The host `default` is `rest.messagebird.com`. Parameters: `from` (required), `status_callback`, `transliterate=accents` or
    /// `cyrillic`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// What is left on the account. Its unit is the account's: a currency, or credits, which are then the currency's name.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn balance(&self) -> Result<Balance, Fault> {
        let call = Call::get("/balance").authorization("AccessKey", &self.key);
        let answer = self.gateway.ask(call).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer));
        }
        let said: Value = answer.read().unwrap_or_default();
        let amount = said.get("amount").unwrap_or(&Value::Null);
        let balance = Balance::read(amount, word(&said, "type"));
        balance.ok_or_else(|| Fault::provider("answer"))
    }

    /// The request for messages with the same text. Pure.
    fn body(&self, parts: &[Part<'_>]) -> Value {
        let number = |part: &Part<'_>| match part.text.digits().parse::<u64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(part.text.digits()),
        };
        let numbers: Vec<_> = parts.iter().map(number).collect();
        let mut body = json!({"recipients": numbers});
        let Some(Part { envelope, text }) = parts.first() else {
            return body;
        };
        body["originator"] = self.gateway.sender(text).into();
        body["body"] = text.fitted.text.as_ref().into();
        body["datacoding"] = match text.fitted.segments.encoding {
            Encoding::Gsm7 => "plain".into(),
            Encoding::Ucs2 => "unicode".into(),
        };
        if parts.len() == 1 {
            body["reference"] = envelope.delivery.to_string().into();
        }
        if let Some(validity) = text.message.validity {
            body["validity"] = validity.as_secs().max(1).into();
        }
        if let Some(callback) = &self.callback {
            body["reportUrl"] = callback.as_str().into();
        }
        body
    }

    /// One call for messages with the same text; a result for each.
    async fn call(&self, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
        let envelopes: Vec<&Envelope> = parts.iter().map(|part| part.envelope).collect();
        let call = Call::post("/messages")
            .authorization("AccessKey", &self.key)
            .json(&self.body(parts));
        match self.gateway.client.send(call, &envelopes).await {
            Ok(answer) => results(&answer, parts),
            Err(fault) => vec![Err(fault); parts.len()],
        }
    }
}

/// What the answer says of each message. Pure.
fn results(answer: &Answer, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
    if !answer.is_success() {
        return vec![Err(fault::of(answer)); parts.len()];
    }
    let taken: Taken = match answer.json() {
        Ok(taken) => taken,
        Err(fault) => return vec![Err(fault); parts.len()],
    };
    if taken.id.is_empty() {
        return vec![Err(Fault::unknown("answer")); parts.len()];
    }
    let items = taken.recipients.items.iter();
    let numbers: Vec<_> = items.filter_map(|item| word(item, "recipient")).collect();
    let result = |part: &Part<'_>| {
        let digits = part.text.digits();
        // A list that leaves a number out says nothing of it.
        if !numbers.is_empty() && !numbers.iter().any(|number| number == digits) {
            return Err(Fault::unknown("short_answer"));
        }
        Ok(Receipt::with_message_id(part_id(&taken.id, digits)))
    };
    parts.iter().map(result).collect()
}

#[async_trait]
impl Provider for MessageBirdProvider {
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
            let mut answers = self.call(&group.parts).await;
            if blames_all(&answers) {
                answers.clear();
                for part in group.parts.chunks(1) {
                    answers.extend(self.call(part).await);
                }
            }
            batch::put(&mut results, &group.places, answers);
        }
        results
    }
}

impl fmt::Debug for MessageBirdProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBirdProvider")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
