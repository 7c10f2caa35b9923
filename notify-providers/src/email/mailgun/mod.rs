//! Mail by Mailgun (Sinch), Messages API v3: <https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages>.

mod builder;
mod fault;
mod multipart;
mod webhook;
mod wire;

pub use builder::MailgunBuilder;
pub use webhook::MailgunWebhook;

use async_trait::async_trait;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, FaultKind, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use std::fmt;

use super::batch::{Batch, Item, Part, envelopes};
use super::mail::{Mail, Sender};
use crate::http::{Answer, Call, HttpClient};
use wire::Settings;

/// The most recipients of one call, by the vendor's documentation.
const MAX_BATCH: usize = 1_000;

/// Sends mail by Mailgun.
///
/// - Mails with the same content share a call, up to 1,000, by recipient variables: each reader gets a mail of their own, with their own
///   subject, headers and metadata. Content in which Mailgun itself would find variables (`%recipient`) goes alone.
/// - Mailgun takes or refuses a call whole and does not say for whose address. A refused batch is halved until the address is found.
/// - Mailgun has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is the `Message-ID` without brackets, as events have it. The mails of one call share it, so there it is
///   left out. Events find their delivery by `delivery_id` among the `user-variables` either way; [`MailgunWebhook`] reads it.
/// - Mailgun also takes mails to addresses on its suppression lists, and reports them as failed.
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider).
///
/// | of the mail | becomes |
/// |---|---|
/// | `tags`, and the envelope's category | `o:tag`, the first 10 |
/// | `metadata`, and the envelope's ids | `v:…` |
/// | `send_at` | `o:deliverytime`; how far ahead depends on the account |
/// | `track_opens`, `track_clicks` | `o:tracking-opens`, `o:tracking-clicks` |
/// | attachments with a content id | `inline`, under the content id |
///
/// ```
/// use notify_providers::email::mailgun::MailgunProvider;
///
/// let provider = MailgunProvider::from_url("mailgun://key@default?domain=mg.example.com&region=eu&from=Example%20<news@example.com>")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct MailgunProvider {
    name: ProviderName,
    capabilities: Capabilities,
    key: SecretString,
    path: String,
    sender: Sender,
    settings: Settings,
    client: HttpClient,
}

#[derive(Deserialize)]
struct Taken {
    id: String,
}

impl MailgunProvider {
    /// Options for a provider with this API key, by this sending domain, from `from` where a mail does not say.
    pub fn builder(
        key: impl Into<SecretString>,
        domain: impl Into<String>,
        from: Mailbox,
    ) -> MailgunBuilder {
        MailgunBuilder::new(key.into(), domain.into(), from)
    }

    /// A provider from one line: `mailgun://KEY@default?domain=mg.example.com&from=Name%20<address>`.
    ///
    /// The host `default` is `api.mailgun.net`, and `api.eu.mailgun.net` with `region=eu`. Parameters: `domain` and `from` (required),
    /// `region` (`us` or `eu`), `reply_to`, `name`, `sandbox=true`, `require_tls=true`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    async fn call(&self, part: &Part<'_, Mail<'_>>) -> Result<Receipt, Fault> {
        let call = Call::post(&self.path).basic("api", &self.key);
        let call = wire::fields(part, &self.settings).put_into(call);
        let answer = self.client.send(call, &envelopes(part)).await?;
        receipt(&answer, part)
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer, part: &[Item<'_, Mail<'_>>]) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        let own_sender = part.iter().any(|item| item.mail.own_sender());
        return Err(fault::of(answer, own_sender));
    }
    if answer.text().contains("Mailgun Magnificent API") {
        // The greeting of a path that is none of the interface's.
        return Err(Fault::config("endpoint"));
    }
    let taken: Taken = answer.json()?;
    let id = taken.id.trim_matches(['<', '>']);
    Ok(match part.len() {
        1 if !id.is_empty() => Receipt::with_message_id(id),
        _ => Receipt::new(),
    })
}

#[async_trait]
impl Provider for MailgunProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        let mail = message.body::<EmailMessage>().ok()?;
        Some(wire::content_hash(mail))
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let batch = std::slice::from_ref(envelope);
        let mut results = self.send_batch(batch).await;
        results
            .pop()
            .unwrap_or_else(|| Err(Fault::unknown("short_answer")))
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut work = Batch::of(
            batch,
            |envelope| {
                let mail = Mail::of(envelope, &self.sender)?;
                wire::check(&mail)?;
                Ok(mail)
            },
            |part, next| part.len() < MAX_BATCH && wire::may_join(part, next),
        );
        while let Some(part) = work.next() {
            match self.call(&part).await {
                // What they share is at fault: no half of them would fare better.
                Err(fault) if fault.kind() == FaultKind::Request => {
                    let faults = vec![Err(fault); part.len()];
                    work.settle(part, faults);
                }
                result => work.settle_whole(part, result),
            }
        }
        work.into_results()
    }
}

impl fmt::Debug for MailgunProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailgunProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
