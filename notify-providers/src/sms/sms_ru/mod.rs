//! Text messages by SMS.ru, HTTP API: <https://sms.ru/api>.

mod builder;
mod fault;
mod webhook;

pub use builder::SmsRuBuilder;
pub use webhook::SmsRuWebhook;

use async_trait::async_trait;
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Balance;
use super::balance::micros;
use super::batch::{self, Common, Part, blames_all};
use super::callback::word;
use super::gateway::{Gateway, gateway_methods};
use crate::http::{Answer, Call};

/// The most numbers of one call, by the vendor's documentation.
const MAX_BATCH: usize = 100;
/// The longest validity. A longer one is cut to it, because the operator gives up then anyway.
const MAX_VALIDITY: Duration = Duration::from_secs(24 * 3_600);
/// The code of a yes, for a call and for each number of it.
const TAKEN: i64 = 100;

/// Sends text messages by SMS.ru.
///
/// - Messages with the same sender and validity share a call, up to 100, each with its own text; SMS.ru says of each number whether it
///   took it.
/// - SMS.ru has no idempotency keys. It refuses the same text to the same number within a minute (`231`, a provider fault with a
///   wait) if the account is set so.
/// - [`Receipt::message_id`] is the message's `sms_id`.
/// - `207`, no route to this number, is the request's fault: a route may be missing for a while, and the number lives.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `from`, instead of the provider's; it must be approved |
/// | `validity` | `ttl`, 1 min to 24 h, in whole minutes |
///
/// ```
/// use notify_providers::sms::sms_ru::SmsRuProvider;
///
/// let provider = SmsRuProvider::from_url("sms-ru://API_ID@default?from=Example&test=true")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct SmsRuProvider {
    gateway: Gateway,
    api_id: SecretString,
    test: bool,
    partner: Option<String>,
}

/// What SMS.ru says of a call, or of one number.
#[derive(Default, Deserialize)]
struct Said {
    status_code: Option<i64>,
    #[serde(default)]
    sms: BTreeMap<String, Value>,
}

impl SmsRuProvider {
    /// Options for a provider with the account's `api_id`.
    pub fn builder(api_id: impl Into<SecretString>) -> SmsRuBuilder {
        SmsRuBuilder::new(api_id.into())
    }

    /// A provider from one line: `sms-ru://API_ID@default?from=Example`.
    ///
    /// The host `default` is `sms.ru`. Parameters: `from`, `test=true`, `partner`, `transliterate=accents` or `cyrillic`, `name`,
    /// `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// What this message costs, as SMS.ru says, in millionths of a rouble. Nothing is sent.
    ///
    /// # Errors
    /// The fault for which the message could not be sent, or that of the call.
    pub async fn cost_micros(&self, envelope: &Envelope) -> Result<u64, Fault> {
        let text = self.gateway.text(envelope)?;
        let parts = [Part { envelope, text }];
        let call = Call::post("/sms/cost").form(self.form(&parts));
        let answer = self.gateway.ask(call).await?;
        let said = taken(&answer)?;
        let [Part { text, .. }] = &parts;
        let number = said.sms.get(text.digits());
        let number = number.ok_or_else(|| Fault::provider("answer"))?;
        if let Some(fault) = fault::of_number(&answer, number, false) {
            return Err(fault);
        }
        let cost = number.get("cost").and_then(micros);
        let cost = cost.and_then(|micros| u64::try_from(micros).ok());
        cost.ok_or_else(|| Fault::provider("answer"))
    }

    /// What is left on the account.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn balance(&self) -> Result<Balance, Fault> {
        let call = Call::post("/my/balance").form(self.login());
        let answer = self.gateway.ask(call).await?;
        taken(&answer)?;
        let said: Value = answer.read().unwrap_or_default();
        let amount = said.get("balance").unwrap_or(&Value::Null);
        let balance = Balance::read(amount, Some("RUB".to_owned()));
        balance.ok_or_else(|| Fault::provider("answer"))
    }

    fn login(&self) -> Vec<(String, String)> {
        let api_id = self.api_id.expose_secret();
        [("api_id", api_id), ("json", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// The request for messages with the same sender and validity. Pure.
    fn form(&self, parts: &[Part<'_>]) -> Vec<(String, String)> {
        let mut form = self.login();
        for Part { text, .. } in parts {
            form.push((
                format!("to[{}]", text.digits()),
                text.fitted.text.to_string(),
            ));
        }
        let mut add = |name: &str, value: String| form.push((name.to_owned(), value));
        if let Some(Part { text, .. }) = parts.first() {
            if let Some(sender) = self.gateway.sender(text) {
                add("from", sender.to_owned());
            }
            if let Some(validity) = text.message.validity {
                let minutes = (validity.min(MAX_VALIDITY).as_secs() / 60).max(1);
                add("ttl", minutes.to_string());
            }
        }
        if let Some(partner) = &self.partner {
            add("partner_id", partner.clone());
        }
        if self.test {
            add("test", "1".to_owned());
        }
        form
    }

    /// One call; a result for each message.
    async fn call(&self, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
        let envelopes: Vec<&Envelope> = parts.iter().map(|part| part.envelope).collect();
        let call = Call::post("/sms/send").form(self.form(parts));
        match self.gateway.client.send(call, &envelopes).await {
            Ok(answer) => results(&answer, parts),
            Err(fault) => vec![Err(fault); parts.len()],
        }
    }
}

/// The answer to a question, if it is a yes.
fn taken(answer: &Answer) -> Result<Said, Fault> {
    let said: Said = answer.read().unwrap_or_default();
    match said.status_code {
        Some(TAKEN) if answer.is_success() => Ok(said),
        None if answer.is_success() => Err(Fault::provider("answer")),
        code => Err(fault::of(answer, code, false)),
    }
}

/// What the answer says of each message: it is asked for each number, whatever it says of the call. Pure.
fn results(answer: &Answer, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
    let own_sender = |part: &Part<'_>| part.text.message.sender.is_some();
    let own_sender = parts.first().is_some_and(own_sender);
    let refused: Said = answer.read().unwrap_or_default();
    if !answer.is_success() || refused.status_code.is_some_and(|code| code != TAKEN) {
        let fault = fault::of(answer, refused.status_code, own_sender);
        return vec![Err(fault); parts.len()];
    }
    let said: Said = match answer.json() {
        Ok(said) => said,
        Err(fault) => return vec![Err(fault); parts.len()],
    };
    let result = |part: &Part<'_>| {
        let number = said.sms.get(part.text.digits());
        let number = number.ok_or_else(|| Fault::unknown("short_answer"))?;
        if let Some(fault) = fault::of_number(answer, number, own_sender) {
            return Err(fault);
        }
        let id = word(number, "sms_id").ok_or_else(|| Fault::unknown("answer"))?;
        Ok(Receipt::with_message_id(id))
    };
    parts.iter().map(result).collect()
}

#[async_trait]
impl Provider for SmsRuProvider {
    fn name(&self) -> &ProviderName {
        &self.gateway.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.gateway.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        batch::key(message, Common::Nothing)
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
        let (mut results, groups) = batch::groups(batch, MAX_BATCH, Common::Nothing, text);
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

impl fmt::Debug for SmsRuProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsRuProvider")
            .field("gateway", &self.gateway)
            .field("test", &self.test)
            .finish_non_exhaustive()
    }
}
