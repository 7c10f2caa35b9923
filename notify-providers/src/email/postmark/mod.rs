//! Mail by Postmark (ActiveCampaign), Email API: <https://postmarkapp.com/developer/api/email-api>.

mod builder;
mod fault;
mod webhook;
mod wire;

pub use builder::PostmarkBuilder;
pub use webhook::PostmarkWebhook;

use async_trait::async_trait;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde_json::Value;
use std::fmt;

use super::batch::{Batch, Part, envelopes};
use super::mail::{Mail, Sender};
use crate::http::{Answer, Call, HttpClient};
use crate::unsupported::unsupported;
use fault::Outcome;
use wire::Settings;

/// The most mails of one call, by the vendor's documentation.
const MAX_BATCH: usize = 500;
/// The most bytes of one call: 50 MB by the vendor's documentation, less what JSON adds.
const MAX_BATCH_BYTES: usize = 45_000_000;

/// Sends mail by Postmark.
///
/// - Any mails share a call, up to 500 and 50 MB, and each has a result of its own.
/// - Postmark has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is `MessageID`. Events carry it, and the delivery's id among the mail's `Metadata`; [`PostmarkWebhook`]
///   reads both.
/// - An address that Postmark holds as inactive after a bounce or a complaint (406) is a recipient fault.
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider).
///
/// | of the mail | becomes |
/// |---|---|
/// | the first of `tags`, else the envelope's category | `Tag`: there is one |
/// | the envelope's ids, then `metadata` | `Metadata`: the first 10 with names up to 20 and values up to 80 characters |
/// | `send_at` | refused: Postmark does not wait |
/// | `track_opens`, `track_clicks` | `TrackOpens`, `TrackLinks` |
/// | attachments with a content id | `ContentID` |
///
/// ```
/// use notify_providers::email::postmark::PostmarkProvider;
///
/// let provider = PostmarkProvider::from_url("postmark://server-token@default?from=Example%20<news@example.com>")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct PostmarkProvider {
    name: ProviderName,
    capabilities: Capabilities,
    token: SecretString,
    sender: Sender,
    settings: Settings,
    client: HttpClient,
}

impl PostmarkProvider {
    /// Options for a provider with this server token, from `from` where a mail does not say.
    pub fn builder(token: impl Into<SecretString>, from: Mailbox) -> PostmarkBuilder {
        PostmarkBuilder::new(token.into(), from)
    }

    /// A provider from one line: `postmark://TOKEN@default?from=Name%20<address>`.
    ///
    /// The host `default` is `api.postmarkapp.com`. Parameters: `from` (required), `reply_to`, `name`, `stream`,
    /// `marketing_stream`, `sandbox=true`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The mail, if it can be sent.
    fn mail<'a>(&'a self, envelope: &'a Envelope) -> Result<Mail<'a>, Fault> {
        let mail = Mail::of(envelope, &self.sender)?;
        if mail.message.send_at.is_some() {
            return Err(unsupported("send_at"));
        }
        Ok(mail)
    }

    async fn call(
        &self,
        path: &'static str,
        body: Value,
        envelopes: &[&Envelope],
    ) -> Result<Answer, Fault> {
        let call = Call::post(path)
            .secret_header("x-postmark-server-token", &self.token)
            .json(&body);
        self.client.send(call, envelopes).await
    }

    /// One call for several mails.
    async fn send_part(&self, part: &Part<'_, Mail<'_>>) -> Vec<Result<Receipt, Fault>> {
        let mails = part
            .iter()
            .map(|item| wire::body(item.envelope, &item.mail, &self.settings));
        let body = mails.collect();
        match self.call("/email/batch", body, &envelopes(part)).await {
            Ok(answer) => {
                let mails: Vec<_> = part.iter().map(|item| &item.mail).collect();
                fault::each(&answer, &mails)
            }
            Err(fault) => vec![Err(fault); part.len()],
        }
    }
}

#[async_trait]
impl Provider for PostmarkProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Any mails share a call.
    fn batch_key(&self, message: &Message) -> Option<u64> {
        message.body::<EmailMessage>().is_ok().then_some(0)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mail = self.mail(envelope)?;
        let body = wire::body(envelope, &mail, &self.settings);
        let answer = self.call("/email", body, &[envelope]).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer, answer.read().unwrap_or_default(), &mail));
        }
        let outcome: Outcome = answer.json()?;
        outcome.result(&answer, &mail)
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut work = Batch::of(
            batch,
            |envelope| self.mail(envelope),
            |part, next| {
                let bytes: usize = part.iter().map(|item| wire::weight(&item.mail)).sum();
                part.len() < MAX_BATCH && bytes + wire::weight(&next.mail) <= MAX_BATCH_BYTES
            },
        );
        while let Some(part) = work.next() {
            let sent = self.send_part(&part).await;
            work.settle(part, sent);
        }
        work.into_results()
    }
}

impl fmt::Debug for PostmarkProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostmarkProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
