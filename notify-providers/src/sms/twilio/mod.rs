//! Text messages by Twilio, Programmable Messaging: <https://www.twilio.com/docs/messaging/api/message-resource>.

mod builder;
mod fault;
mod webhook;

pub use builder::TwilioBuilder;
pub use webhook::TwilioWebhook;

use async_trait::async_trait;
use notify_core::channel::Overflow;
use notify_core::provider::{Capabilities, Envelope, Fault, Price, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;

use super::text::Text;
use crate::http::{Answer, Call, HttpClient, metadata};

/// The longest validity, by the vendor's documentation: ten hours. A longer one is cut to it, because the vendor gives up then anyway.
const MAX_VALIDITY: Duration = Duration::from_secs(36_000);

/// Sends text messages by Twilio, one a call.
///
/// - Twilio has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the message's `sid`.
/// - Where a [status callback](TwilioBuilder::status_callback) is set, the delivery's id is put into its query, which Twilio signs, so
///   that [`TwilioWebhook`] finds the delivery.
/// - How long texts are dealt with: the message's [`overflow`](notify_core::channel::SmsMessage::overflow), else the
///   provider's, else by class.
///
/// | of the message | becomes |
/// |---|---|
/// | `sender` | `From`, instead of the provider's |
/// | `validity` | `ValidityPeriod`, 1 s to 10 h |
///
/// ```
/// use notify_providers::sms::twilio::TwilioProvider;
///
/// let provider = TwilioProvider::from_url("twilio://AC0123:token@default?from=+15550100")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct TwilioProvider {
    name: ProviderName,
    capabilities: Capabilities,
    account: String,
    login: Login,
    sender: Sender,
    callback: Option<String>,
    smart_encoding: bool,
    overflow: Option<Overflow>,
    client: HttpClient,
}

/// Who we are: the account and its token, or one of its API keys and that key's secret.
struct Login {
    user: String,
    secret: SecretString,
}

/// Who messages are from, where they do not say.
enum Sender {
    /// A number, a short code or a name.
    From(String),
    /// A messaging service, which chooses.
    Service(String),
}

/// What Twilio says when it has taken a message.
#[derive(Deserialize)]
struct Created {
    sid: String,
    /// Texts, both; the price is known at once for some accounts only, and stands below zero.
    #[serde(default)]
    num_segments: Option<String>,
    #[serde(default)]
    price: Option<String>,
    #[serde(default)]
    price_unit: Option<String>,
}

impl TwilioProvider {
    /// Options for a provider of this account. A [sender](TwilioBuilder::from) or a
    /// [messaging service](TwilioBuilder::messaging_service) must be added.
    pub fn builder(
        account_sid: impl Into<String>,
        auth_token: impl Into<SecretString>,
    ) -> TwilioBuilder {
        TwilioBuilder::new(account_sid.into(), auth_token.into())
    }

    /// A provider from one line: `twilio://ACCOUNT_SID:AUTH_TOKEN@default?from=+15550100`.
    ///
    /// With an API key: `twilio://KEY_SID:KEY_SECRET@default?account=ACCOUNT_SID&…`. The host `default` is `api.twilio.com`.
    /// Parameters: `from` or `messaging_service` (one is required), `status_callback`, `smart_encoding=true`, `name`, `timeout` in
    /// seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The request for one message. Pure.
    fn call(&self, envelope: &Envelope, text: &Text<'_>) -> Call {
        let mut form = vec![("To", text.to.to_owned())];
        form.push(match (&text.message.sender, &self.sender) {
            (Some(from), _) | (None, Sender::From(from)) => ("From", from.clone()),
            (None, Sender::Service(service)) => ("MessagingServiceSid", service.clone()),
        });
        form.push(("Body", text.fitted.text.to_string()));
        if let Some(validity) = text.message.validity {
            let seconds = validity.min(MAX_VALIDITY).as_secs().max(1);
            form.push(("ValidityPeriod", seconds.to_string()));
        }
        if self.smart_encoding {
            form.push(("SmartEncoded", "true".to_owned()));
        }
        if let Some(callback) = &self.callback {
            let separator = if callback.contains('?') { '&' } else { '?' };
            let (name, id) = (metadata::DELIVERY, envelope.delivery);
            form.push((
                "StatusCallback",
                format!("{callback}{separator}{name}={id}"),
            ));
        }
        Call::post(format!(
            "/2010-04-01/Accounts/{}/Messages.json",
            self.account
        ))
        .basic(&self.login.user, &self.login.secret)
        .form(form)
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer, own_sender: bool) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer, own_sender));
    }
    let created: Created = answer.json()?;
    let mut receipt = Receipt::with_message_id(created.sid);
    receipt.segments = created.num_segments.and_then(|count| count.parse().ok());
    receipt.price = created
        .price
        .zip(created.price_unit)
        .and_then(|(price, unit)| Price::parse(&price, &unit));
    Ok(receipt)
}

#[async_trait]
impl Provider for TwilioProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let text = Text::of(envelope, self.overflow)?;
        let call = self.call(envelope, &text);
        let answer = self.client.send(call, &[envelope]).await?;
        receipt(&answer, text.message.sender.is_some())
    }
}

impl fmt::Debug for TwilioProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("overflow", &self.overflow)
            .finish_non_exhaustive()
    }
}
