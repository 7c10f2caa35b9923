//! Mail by SendGrid (Twilio), Mail Send v3: <https://www.twilio.com/docs/sendgrid/api-reference/mail-send>.

mod builder;
mod fault;
mod webhook;
mod wire;

pub use builder::SendGridBuilder;
pub use webhook::SendGridWebhook;

use async_trait::async_trait;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use std::fmt;

use super::mail::{Mail, Sender};
use crate::http::{Answer, Call, HttpClient};
use wire::{Settings, Shared};

/// The most mails of one call, by the vendor's documentation.
const MAX_BATCH: usize = 1_000;

/// Sends mail by SendGrid.
///
/// - Mails with the same content share a call, up to 1,000. The vendor takes or refuses such a call whole: if it names the
///   addresses it refused it for, these are recipient faults, and the call is made once more for the others.
/// - SendGrid has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is `X-Message-Id`. The mails of one call share it, so there it is left out. Events find their delivery
///   by `delivery_id` among the mail's `custom_args` either way; [`SendGridWebhook`] reads it.
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider).
///
/// | of the mail | becomes |
/// |---|---|
/// | `tags`, and the envelope's category | `categories`, the first 10 |
/// | `metadata`, and the envelope's ids | `custom_args`; the names of event fields, such as `email`, are refused |
/// | `send_at` | `send_at`, in whole seconds |
/// | `track_opens`, `track_clicks` | `tracking_settings` |
/// | attachments with a content id | `disposition: inline` |
///
/// ```
/// use notify_providers::email::sendgrid::SendGridProvider;
///
/// let provider = SendGridProvider::from_url("sendgrid://SG.key@default?from=Example%20<news@example.com>")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct SendGridProvider {
    name: ProviderName,
    capabilities: Capabilities,
    key: SecretString,
    sender: Sender,
    settings: Settings,
    client: HttpClient,
}

impl SendGridProvider {
    /// Options for a provider with this API key, from `from` where a mail does not say.
    pub fn builder(key: impl Into<SecretString>, from: Mailbox) -> SendGridBuilder {
        SendGridBuilder::new(key.into(), from)
    }

    /// A provider from one line: `sendgrid://KEY@default?from=Name%20<address>`.
    ///
    /// The host `default` is `api.sendgrid.com`; accounts in the EU use `api.eu.sendgrid.com`. Parameters: `from` (required),
    /// `reply_to`, `name`, `sandbox=true`, `unsubscribe_group`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The mail, if it can be sent.
    fn mail<'a>(&'a self, envelope: &'a Envelope) -> Result<Mail<'a>, Fault> {
        let mail = Mail::of(envelope, &self.sender)?;
        wire::check(mail.message)?;
        Ok(mail)
    }

    /// One call for mails of the same content.
    async fn call(
        &self,
        shared: &Shared<'_>,
        batch: &[(&Envelope, Mail<'_>)],
    ) -> Result<Answer, Fault> {
        let body = wire::body(shared, batch, &self.settings);
        let envelopes: Vec<&Envelope> = batch.iter().map(|(envelope, _)| *envelope).collect();
        let call = Call::post("/v3/mail/send").bearer(&self.key).json(&body);
        self.client.send(call, &envelopes).await
    }

    /// Sends mails of the same content: in one call, or in two if the vendor refuses the first one for some of the addresses.
    async fn send_same(
        &self,
        shared: Shared<'_>,
        batch: Vec<(&Envelope, Mail<'_>)>,
    ) -> Vec<Result<Receipt, Fault>> {
        let answer = match self.call(&shared, &batch).await {
            Ok(answer) => answer,
            Err(fault) => return vec![Err(fault); batch.len()],
        };
        if answer.is_success() {
            return vec![Ok(receipt(&answer, batch.len())); batch.len()];
        }
        let refused = fault::refused_addresses(&answer, batch.len());
        if refused.is_empty() || refused.len() == batch.len() {
            return fault::each(&answer, &batch);
        }
        let named = fault::each(&answer, &batch);
        let (mut results, mut rest) = (Vec::new(), Vec::new());
        for (no, (mail, fault)) in batch.into_iter().zip(named).enumerate() {
            if !refused.contains(&no) {
                rest.push(mail);
            }
            results.push(fault);
        }
        let mut again = match self.call(&shared, &rest).await {
            Ok(answer) if answer.is_success() => {
                vec![Ok(receipt(&answer, rest.len())); rest.len()]
            }
            Ok(answer) => fault::each(&answer, &rest),
            Err(fault) => vec![Err(fault); rest.len()],
        }
        .into_iter();
        for (no, result) in results.iter_mut().enumerate() {
            if !refused.contains(&no)
                && let Some(second) = again.next()
            {
                *result = second;
            }
        }
        results
    }
}

/// The vendor's yes to so many mails.
fn receipt(answer: &Answer, mails: usize) -> Receipt {
    match answer.header("x-message-id") {
        Some(id) if mails == 1 && !id.is_empty() => Receipt::with_message_id(id),
        _ => Receipt::new(),
    }
}

#[async_trait]
impl Provider for SendGridProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        let mail = message.body::<EmailMessage>().ok()?;
        wire::content_hash(mail)
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mail = self.mail(envelope)?;
        let shared = Shared::of(envelope, &mail);
        let mut results = self.send_same(shared, vec![(envelope, mail)]).await;
        results
            .pop()
            .unwrap_or_else(|| Err(Fault::unknown("short_answer")))
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut results: Vec<Result<Receipt, Fault>> = Vec::with_capacity(batch.len());
        // Mails of the same content, with their places in the batch. Equal keys have been promised, but a key is a hash.
        let mut groups: Vec<(Shared<'_>, Vec<usize>, Vec<(&Envelope, Mail<'_>)>)> = Vec::new();
        for (no, envelope) in batch.iter().enumerate() {
            results.push(Err(Fault::unknown("short_answer")));
            let mail = match self.mail(envelope) {
                Ok(mail) => mail,
                Err(fault) => {
                    results[no] = Err(fault);
                    continue;
                }
            };
            let shared = Shared::of(envelope, &mail);
            let group = groups
                .iter_mut()
                .find(|(other, places, _)| *other == shared && places.len() < MAX_BATCH);
            match group {
                Some((_, places, mails)) => {
                    places.push(no);
                    mails.push((envelope, mail));
                }
                None => groups.push((shared, vec![no], vec![(envelope, mail)])),
            }
        }
        for (shared, places, mails) in groups {
            let sent = self.send_same(shared, mails).await;
            for (place, result) in places.into_iter().zip(sent) {
                results[place] = result;
            }
        }
        results
    }
}

impl fmt::Debug for SendGridProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGridProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
