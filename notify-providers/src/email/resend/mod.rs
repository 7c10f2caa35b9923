//! Mail by Resend: <https://resend.com/docs/api-reference/emails/send-email>.

mod builder;
mod fault;
mod webhook;
mod wire;

pub use builder::ResendBuilder;
pub use webhook::ResendWebhook;

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

/// The most mails of one call, by the vendor's documentation.
const MAX_BATCH: usize = 100;

/// Sends mail by Resend.
///
/// - Resend honours idempotency keys for 24 hours: a mail that is sent again under its key is not sent twice.
/// - A key belongs to a call. Mails that share calls ([`ResendBuilder::batches`]) may be put together otherwise the second time, so
///   that keys are not honoured then: it is one or the other, and keys are the default.
/// - [`Receipt::message_id`] is Resend's id. Events carry it, and the delivery's id among the mail's tags; [`ResendWebhook`] reads
///   both.
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider).
/// - Resend takes no quotation marks around the sender's name: characters that need them are left out of it.
///
/// | of the mail | becomes |
/// |---|---|
/// | `metadata`, the envelope's ids, `tags` | `tags`, as far as they are letters, digits, `_` and `-` |
/// | `send_at` | `scheduled_at` |
/// | `track_opens`, `track_clicks` | what the domain's settings say; `true` is refused |
/// | attachments with a content id | `content_id` |
///
/// ```
/// use notify_providers::email::resend::ResendProvider;
///
/// let provider = ResendProvider::from_url("resend://re_key@default?from=Example%20<news@example.com>")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct ResendProvider {
    name: ProviderName,
    capabilities: Capabilities,
    key: SecretString,
    sender: Sender,
    batches: bool,
    client: HttpClient,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

impl Taken {
    fn receipt(self) -> Receipt {
        if self.id.is_empty() {
            return Receipt::new();
        }
        Receipt::with_message_id(self.id)
    }
}

#[derive(Deserialize)]
struct AllTaken {
    data: Vec<Taken>,
}

impl ResendProvider {
    /// Options for a provider with this API key, from `from` where a mail does not say.
    pub fn builder(key: impl Into<SecretString>, from: Mailbox) -> ResendBuilder {
        ResendBuilder::new(key.into(), from)
    }

    /// A provider from one line: `resend://KEY@default?from=Name%20<address>`.
    ///
    /// The host `default` is `api.resend.com`. Parameters: `from` (required), `reply_to`, `name`, `batches=true`, `timeout` in
    /// seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    async fn call(
        &self,
        path: &'static str,
        key: &str,
        body: &Value,
        envelopes: &[&Envelope],
    ) -> Result<Answer, Fault> {
        let call = Call::post(path)
            .bearer(&self.key)
            .header("idempotency-key", key)
            .json(body);
        self.client.send(call, envelopes).await
    }

    async fn send_one(&self, envelope: &Envelope, mail: &Mail<'_>) -> Result<Receipt, Fault> {
        let (body, key) = (wire::body(envelope, mail), keys::plain(&envelope.key));
        let answer = self.call("/emails", &key, &body, &[envelope]).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer, mail.own_sender()));
        }
        let taken: Taken = answer.json()?;
        Ok(taken.receipt())
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
        let mails = part
            .iter()
            .map(|item| wire::body(item.envelope, &item.mail));
        let body = mails.collect();
        let answer = self
            .call("/emails/batch", &key, &body, &envelopes(part))
            .await?;
        if !answer.is_success() {
            let own_sender = part.iter().all(|item| item.mail.own_sender());
            return Err(fault::of(&answer, own_sender));
        }
        let all: AllTaken = answer.json()?;
        let taken = all.data.into_iter();
        Ok(taken.map(|taken| Ok(taken.receipt())).collect())
    }
}

#[async_trait]
impl Provider for ResendProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Any mails share a call but those that the vendor wants alone: with files, or for later.
    fn batch_key(&self, message: &Message) -> Option<u64> {
        let mail = message.body::<EmailMessage>().ok()?;
        (self.batches && !wire::goes_alone(mail)).then_some(0)
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
                let mut alone = part.iter().chain([next]);
                self.batches
                    && part.len() < MAX_BATCH
                    && !alone.any(|item| wire::goes_alone(item.mail.message))
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

impl fmt::Debug for ResendProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResendProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("batches", &self.batches)
            .finish_non_exhaustive()
    }
}
