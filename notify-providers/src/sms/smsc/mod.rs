//! Text messages by SMSC.ru (SMS-центр), HTTP API: <https://smsc.ru/api/http/>.

mod builder;
mod fault;
mod webhook;

pub use builder::SmscBuilder;
pub use webhook::SmscWebhook;

use async_trait::async_trait;
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

use super::Balance;
use super::balance::micros;
use super::batch::{self, Common, Part, blames_all, part_id};
use super::gateway::{Gateway, gateway_methods};
use crate::http::{Answer, Call};

/// The most numbers of one call. The vendor takes more; how many it does not say.
const MAX_BATCH: usize = 100;
/// The longest validity, by the vendor's documentation. A longer one is cut to it, because the operator gives up then anyway.
const MAX_VALIDITY: Duration = Duration::from_secs(24 * 3_600);

/// Sends text messages by SMSC.ru.
///
/// - Messages with the same text, sender and validity share a call, up to 100; SMSC says of each number whether it took it.
/// - SMSC has no idempotency keys. It refuses the same text to the same number within a minute (`9`, a provider fault with a wait):
///   after an unknown outcome that means that the first one was taken.
/// - [`Receipt::message_id`] is SMSC's id of the call and a hash of the number, `1234-9f86d081884c`, because SMSC gives one id
///   to all numbers of a call; [`SmscWebhook`] makes the same of its reports.
/// - `8`, no delivery to this number by this route, is the request's fault: a route may be missing for a while, and the number lives.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `sender`, instead of the provider's; it must be registered |
/// | `validity` | `valid`, 1 min to 24 h, in whole minutes |
///
/// ```
/// use notify_providers::sms::smsc::SmscProvider;
///
/// let provider = SmscProvider::from_url("smsc://login:password@default?from=Example&transliterate=cyrillic")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct SmscProvider {
    gateway: Gateway,
    login: Login,
}

/// Who we are.
enum Login {
    ApiKey(SecretString),
    Password { login: String, psw: SecretString },
}

impl Login {
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ApiKey(key) => vec![("apikey", key.expose_secret().to_owned())],
            Self::Password { login, psw } => vec![
                ("login", login.clone()),
                ("psw", psw.expose_secret().to_owned()),
            ],
        }
    }
}

/// What SMSC says when it has taken a call; with `op=1`, of each number.
#[derive(Deserialize)]
struct Taken {
    id: Value,
    /// How many segments of all messages.
    #[serde(default)]
    cnt: Value,
    #[serde(default)]
    phones: Vec<Phone>,
}

#[derive(Deserialize)]
struct Phone {
    phone: Value,
    #[serde(default)]
    error: Value,
}

/// A number of JSON, or a text that is one: SMSC writes both.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().trim_start_matches('+').to_owned(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

impl SmscProvider {
    /// Options for a provider of this account. The password may be the one for the API alone that the vendor's settings offer.
    pub fn builder(login: impl Into<String>, password: impl Into<SecretString>) -> SmscBuilder {
        SmscBuilder::new(Login::Password {
            login: login.into(),
            psw: password.into(),
        })
    }

    /// Options for a provider with an API key instead of login and password.
    pub fn with_api_key(key: impl Into<SecretString>) -> SmscBuilder {
        SmscBuilder::new(Login::ApiKey(key.into()))
    }

    /// A provider from one line: `smsc://LOGIN:PASSWORD@default?from=Example`, or `smsc://API_KEY@default`.
    ///
    /// The host `default` is `smsc.ru`; `www2.smsc.ru` is the vendor's second one. Parameters: `from`, `transliterate=accents` or
    /// `cyrillic`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    gateway_methods!();

    /// What this message costs, as SMSC says, in millionths of the account's currency. Nothing is sent. SMSC answers no more than
    /// five such questions a minute about the same number and text.
    ///
    /// # Errors
    /// The fault for which the message could not be sent, or that of the call.
    pub async fn cost_micros(&self, envelope: &Envelope) -> Result<u64, Fault> {
        let text = self.gateway.text(envelope)?;
        let mut form = self.form(&[Part { envelope, text }]);
        form.push(("cost", "1".to_owned()));
        let call = Call::post("/sys/send.php").form(form);
        let answer = self.gateway.ask(call).await?;
        let cost = self.said(&answer)?.get("cost").and_then(micros);
        let cost = cost.and_then(|micros| u64::try_from(micros).ok());
        cost.ok_or_else(|| Fault::provider("answer"))
    }

    /// What is left on the account.
    ///
    /// # Errors
    /// The fault of the call.
    pub async fn balance(&self) -> Result<Balance, Fault> {
        let mut form = self.login.fields();
        form.extend([("fmt", "3".to_owned()), ("cur", "1".to_owned())]);
        let call = Call::post("/sys/balance.php").form(form);
        let answer = self.gateway.ask(call).await?;
        let said = self.said(&answer)?;
        let currency = said.get("currency").and_then(Value::as_str);
        let amount = said.get("balance").unwrap_or(&Value::Null);
        let balance = Balance::read(amount, currency.map(str::to_owned));
        balance.ok_or_else(|| Fault::provider("answer"))
    }

    /// The answer to a question, if it is none of SMSC's refusals.
    fn said(&self, answer: &Answer) -> Result<Value, Fault> {
        if let Some(fault) = fault::of(answer) {
            return Err(fault);
        }
        let said = answer.read();
        said.ok_or_else(|| Fault::provider("answer"))
    }

    /// The request for messages with the same text. Pure.
    fn form(&self, parts: &[Part<'_>]) -> Vec<(&'static str, String)> {
        let mut form = self.login.fields();
        // With their plus they are taken as they are; without it SMSC may correct them.
        let phones: Vec<_> = parts.iter().map(|part| part.text.to).collect();
        form.push(("phones", phones.join(",")));
        if let Some(Part { text, .. }) = parts.first() {
            form.push(("mes", text.fitted.text.to_string()));
            if let Some(sender) = self.gateway.sender(text) {
                form.push(("sender", sender.to_owned()));
            }
            if let Some(validity) = text.message.validity {
                let minutes = (validity.min(MAX_VALIDITY).as_secs() / 60).max(1);
                form.push(("valid", format!("{:02}:{:02}", minutes / 60, minutes % 60)));
            }
        }
        form.extend([("charset", "utf-8".to_owned()), ("fmt", "3".to_owned())]);
        if parts.len() > 1 {
            form.push(("op", "1".to_owned()));
        }
        form
    }

    /// One call for messages with the same text; a result for each.
    async fn call(&self, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
        let envelopes: Vec<&Envelope> = parts.iter().map(|part| part.envelope).collect();
        let call = Call::post("/sys/send.php").form(self.form(parts));
        match self.gateway.client.send(call, &envelopes).await {
            Ok(answer) => results(&answer, parts),
            Err(fault) => vec![Err(fault); parts.len()],
        }
    }
}

/// What the answer says of each message. Pure.
fn results(answer: &Answer, parts: &[Part<'_>]) -> Vec<Result<Receipt, Fault>> {
    if let Some(fault) = fault::of(answer) {
        return vec![Err(fault); parts.len()];
    }
    let taken: Taken = match answer.json() {
        Ok(taken) => taken,
        Err(fault) => return vec![Err(fault); parts.len()],
    };
    let id = text_of(&taken.id);
    if id.is_empty() {
        return vec![Err(Fault::unknown("answer")); parts.len()];
    }
    let result = |part: &Part<'_>| {
        let digits = part.text.digits();
        let mut phones = taken.phones.iter();
        let phone = phones.find(|phone| text_of(&phone.phone) == digits);
        match phone.map(|phone| text_of(&phone.error)) {
            Some(error) if !matches!(error.as_str(), "" | "0") => Err(fault::of_report(&error)),
            // A list that leaves a number out says nothing of it.
            None if !taken.phones.is_empty() => Err(Fault::unknown("short_answer")),
            _ => {
                let mut receipt = Receipt::with_message_id(part_id(&id, digits));
                let counted = text_of(&taken.cnt).parse().ok();
                receipt.segments = counted.filter(|_| parts.len() == 1);
                Ok(receipt)
            }
        }
    };
    parts.iter().map(result).collect()
}

#[async_trait]
impl Provider for SmscProvider {
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

impl fmt::Debug for SmscProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmscProvider")
            .field("gateway", &self.gateway)
            .finish_non_exhaustive()
    }
}
