//! Mail by Mandrill (Mailchimp Transactional), API 1.0: <https://mailchimp.com/developer/transactional/api/messages/send-new-message/>.

mod builder;
mod fault;
mod webhook;
mod wire;

pub use builder::MandrillBuilder;
pub use webhook::MandrillWebhook;

use async_trait::async_trait;
use notify_core::channel::Mailbox;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use std::fmt;

use super::mail::{Mail, Sender};
use crate::http::{Call, HttpClient};
use fault::Outcome;
use wire::Settings;

/// Sends mail by Mandrill.
///
/// - One mail a call: Mandrill's calls for several readers have one set of headers, and each reader needs a link of their own to
///   unsubscribe.
/// - Mandrill has no idempotency keys: what is unknown may have gone out.
/// - It answers 200 to a mail that it rejects: whose fault that is, its reason says.
/// - [`Receipt::message_id`] is `_id`. Events carry it, and the delivery's id among the mail's metadata; [`MandrillWebhook`] reads both.
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider).
///
/// | of the mail | becomes |
/// |---|---|
/// | `tags`, and the envelope's category | `tags` of up to 50 characters that do not begin with `_` |
/// | `metadata`, and the envelope's ids | `metadata` |
/// | `send_at` | `send_at`, for accounts that pay |
/// | `track_opens`, `track_clicks` | of the same name |
/// | attachments with a content id | `images`, under the content id |
///
/// ```
/// use notify_providers::email::mandrill::MandrillProvider;
///
/// let provider = MandrillProvider::from_url("mandrill://key@default?from=Example%20<news@example.com>")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct MandrillProvider {
    name: ProviderName,
    capabilities: Capabilities,
    key: SecretString,
    sender: Sender,
    settings: Settings,
    client: HttpClient,
}

impl MandrillProvider {
    /// Options for a provider with this API key, from `from` where a mail does not say. A test key sends nothing.
    pub fn builder(key: impl Into<SecretString>, from: Mailbox) -> MandrillBuilder {
        MandrillBuilder::new(key.into(), from)
    }

    /// A provider from one line: `mandrill://KEY@default?from=Name%20<address>`.
    ///
    /// The host `default` is `mandrillapp.com`. Parameters: `from` (required), `reply_to`, `name`, `subaccount`, `timeout` in
    /// seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }
}

#[async_trait]
impl Provider for MandrillProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mail = Mail::of(envelope, &self.sender)?;
        let body = wire::body(envelope, &mail, &self.key, &self.settings);
        let call = Call::post("/api/1.0/messages/send.json").json(&body);
        let answer = self.client.send(call, &[envelope]).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer));
        }
        let outcomes: Vec<Outcome> = answer.json()?;
        match outcomes.into_iter().next() {
            Some(outcome) => outcome.result(&answer, mail.own_sender()),
            None => Err(Fault::unknown("short_answer")),
        }
    }
}

impl fmt::Debug for MandrillProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MandrillProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
