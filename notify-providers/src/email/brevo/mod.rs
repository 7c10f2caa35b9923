//! Mail by Brevo, before Sendinblue: <https://developers.brevo.com/reference/sendtransacemail>.

mod builder;
mod fault;
mod webhook;
mod wire;

pub use builder::BrevoBuilder;
pub use webhook::BrevoWebhook;

use async_trait::async_trait;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

use super::batch::{Batch, Part, envelopes};
use super::keys;
use super::mail::{Mail, Sender};
use crate::http::{Answer, Call, HttpClient};
use wire::Settings;

/// The most versions of one call, by the vendor's documentation.
const MAX_BATCH: usize = 1_000;

/// Sends mail by Brevo.
///
/// - Brevo honours idempotency keys; its documents say for 30 and for 15 minutes, so 15 are counted on.
/// - A key belongs to a call. Mails that share calls ([`BrevoBuilder::batches`]) may be put together otherwise the second time, so
///   that keys are not honoured then: it is one or the other, and keys are the default.
/// - [`Receipt::message_id`] is `messageId` without its brackets. Events carry it, and the delivery's id in `X-Mailin-custom`;
///   [`BrevoWebhook`] reads both.
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider). Brevo does not encode other
///   characters than ASCII in them: such a mail is refused.
/// - Brevo reads `{{ … }}` in content as its own template language.
///
/// | of the mail | becomes |
/// |---|---|
/// | `tags`, and the envelope's category | `tags` |
/// | `metadata`, and the envelope's ids | `X-Mailin-custom`, as far as they are ASCII |
/// | `send_at` | `scheduledAt` |
/// | `track_opens`, `track_clicks` | what the account's settings say; `true` is refused |
/// | attachments with a content id | refused: Brevo has none inside the mail |
///
/// ```
/// use notify_providers::email::brevo::BrevoProvider;
///
/// let provider = BrevoProvider::from_url("brevo://xkeysib-key@default?from=Example%20<news@example.com>")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct BrevoProvider {
    name: ProviderName,
    capabilities: Capabilities,
    key: SecretString,
    sender: Sender,
    settings: Settings,
    client: HttpClient,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Taken {
    #[serde(default)]
    message_id: Option<String>,
    #[serde(default)]
    message_ids: Vec<String>,
}

impl BrevoProvider {
    /// Options for a provider with this API key, from `from` where a mail does not say.
    pub fn builder(key: impl Into<SecretString>, from: Mailbox) -> BrevoBuilder {
        BrevoBuilder::new(key.into(), from)
    }

    /// A provider from one line: `brevo://KEY@default?from=Name%20<address>`.
    ///
    /// The host `default` is `api.brevo.com`. Parameters: `from` (required), `reply_to`, `name`, `sandbox=true`, `batches=true`,
    /// `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    async fn call(&self, body: &Value, envelopes: &[&Envelope]) -> Result<Answer, Fault> {
        let call = Call::post("/v3/smtp/email")
            .secret_header("api-key", &self.key)
            .json(body);
        self.client.send(call, envelopes).await
    }

    async fn send_one(&self, envelope: &Envelope, mail: &Mail<'_>) -> Result<Receipt, Fault> {
        let key = keys::uuid(&envelope.key);
        let body = wire::single(envelope, mail, &key, &self.settings);
        let answer = self.call(&body, &[envelope]).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer, mail.own_sender()));
        }
        if answer.status() == 202 && answer.body().is_empty() {
            // Kept for later.
            return Ok(Receipt::new());
        }
        let taken: Taken = answer.json()?;
        let id = taken
            .message_id
            .or_else(|| taken.message_ids.into_iter().next());
        id.map(|id| receipt(&id))
            .ok_or_else(|| Fault::unknown("answer"))
    }

    /// One call for several mails, or the fault of the whole call.
    async fn send_part(
        &self,
        part: &Part<'_, Mail<'_>>,
    ) -> Result<Vec<Result<Receipt, Fault>>, Fault> {
        if let [item] = part.as_slice() {
            return Ok(vec![self.send_one(item.envelope, &item.mail).await]);
        }
        let key = keys::of_all(part.iter().map(|item| &*item.envelope.key));
        let body = wire::versions(part, &keys::uuid(&key), &self.settings);
        let answer = self.call(&body, &envelopes(part)).await?;
        if !answer.is_success() {
            let own_sender = part.iter().all(|item| item.mail.own_sender());
            return Err(fault::of(&answer, own_sender));
        }
        let taken: Taken = answer.json()?;
        Ok(taken.message_ids.iter().map(|id| Ok(receipt(id))).collect())
    }
}

fn receipt(id: &str) -> Receipt {
    match id.trim_matches(['<', '>']) {
        "" => Receipt::new(),
        id => Receipt::with_message_id(id),
    }
}

#[async_trait]
impl Provider for BrevoProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        let mail = message.body::<EmailMessage>().ok()?;
        self.settings.batches.then(|| wire::shared_hash(mail))
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mail = wire::mail(envelope, &self.sender)?;
        self.send_one(envelope, &mail).await
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut work = Batch::of(
            batch,
            |envelope| wire::mail(envelope, &self.sender),
            |part, next| {
                self.settings.batches && part.len() < MAX_BATCH && wire::may_join(part, next)
            },
        );
        while let Some(part) = work.next() {
            match self.send_part(&part).await {
                Ok(sent) => work.settle(part, sent),
                Err(fault) => work.settle_whole(part, Err(fault)),
            }
        }
        work.into_results()
    }
}

impl fmt::Debug for BrevoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrevoProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
