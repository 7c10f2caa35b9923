//! Mail by Amazon SES, API v2: <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>.

mod builder;
mod bulk;
mod certificates;
mod fault;
mod webhook;
mod wire;

pub use builder::SesBuilder;
pub use certificates::{CertificateSource, SnsCertificates};
pub use webhook::SesWebhook;

use async_trait::async_trait;
use notify_core::channel::{EmailMessage, Mailbox};
use notify_core::message::Message;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use super::batch::{Batch, Part, envelopes};
use super::mail::Sender;
use crate::http::{Answer, Call, HttpClient};
use crate::signature::sigv4::{Request, Signer};
use wire::{Ready, Settings};

const PATH: &str = "/v2/email/outbound-emails";

/// Sends mail by Amazon SES.
///
/// - Calls are signed here (AWS Signature Version 4), for temporary credentials with their token;
///   [`set_credentials`](Self::set_credentials) replaces them while the provider works.
/// - SES has no idempotency keys: what is unknown may have gone out.
/// - [`Receipt::message_id`] is `MessageId`. Events carry it, and the delivery's id among the mail's tags; [`SesWebhook`] reads both.
/// - One mail a call, or up to 50 with [`SesBuilder::bulk`].
/// - The headers, for unsubscribing among them, are those of [SMTP](crate::smtp::SmtpProvider); SES takes up to 15.
///
/// | of the mail | becomes |
/// |---|---|
/// | `metadata`, the envelope's ids, `tags` | `EmailTags`, as far as they are letters, digits, `_` and `-` |
/// | domains with other letters than ASCII | their ASCII form; local parts with them are refused |
/// | `send_at` | refused: SES does not wait |
/// | `track_opens`, `track_clicks` | what the configuration set says; `true` is refused |
/// | attachments with a content id | `ContentDisposition: INLINE` |
///
/// ```
/// use notify_providers::email::ses::SesProvider;
///
/// let provider = SesProvider::from_url(
///     "ses://AKIDEXAMPLE:secret@default?region=eu-west-1&configuration_set=events&from=Example%20<news@example.com>",
/// )?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct SesProvider {
    name: ProviderName,
    capabilities: Capabilities,
    region: String,
    signer: RwLock<Arc<Signer>>,
    sender: Sender,
    settings: Settings,
    client: HttpClient,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Taken {
    message_id: String,
}

impl SesProvider {
    /// Options for a provider with this access key in this region, from `from` where a mail does not say.
    pub fn builder(
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        region: impl Into<String>,
        from: Mailbox,
    ) -> SesBuilder {
        let secret = secret_access_key.into();
        SesBuilder::new(access_key_id.into(), secret, region.into(), from)
    }

    /// A provider from one line: `ses://ACCESS_KEY_ID:SECRET@default?region=eu-west-1&from=Name%20<address>`, with every `/` of the
    /// secret as `%2F`.
    ///
    /// The host `default` is `email.<region>.amazonaws.com`. Parameters: `region` and `from` (required), `session_token`,
    /// `configuration_set`, `bulk=true`, `reply_to`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// Signs with these from the next call on, for temporary credentials, which end: the application gets new ones where it got the
    /// first.
    pub fn set_credentials(
        &self,
        access_key_id: impl Into<String>,
        secret_access_key: impl Into<SecretString>,
        session_token: Option<SecretString>,
    ) {
        let secret = secret_access_key.into();
        let signer = signer(access_key_id.into(), secret, session_token, &self.region);
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = signer;
    }

    /// A signed call.
    async fn call(
        &self,
        path: &'static str,
        body: &Value,
        envelopes: &[&Envelope],
    ) -> Result<Answer, Fault> {
        let signer = Arc::clone(&self.signer.read().unwrap_or_else(PoisonError::into_inner));
        let body = body.to_string().into_bytes();
        let content_type = "application/json";
        let request = Request {
            method: "POST",
            path,
            query: &[],
            headers: &[("content-type", content_type), ("host", self.client.host())],
            body: &body,
        };
        let signed = signer.sign(&request, self.client.now());
        let mut call = Call::post(path)
            .header("x-amz-date", &signed.date)
            .secret_header("authorization", &signed.authorization.into())
            .bytes(content_type, body);
        if let Some(token) = &signed.security_token {
            call = call.secret_header("x-amz-security-token", token);
        }
        self.client.send(call, envelopes).await
    }

    async fn send_one(&self, envelope: &Envelope, mail: &Ready<'_>) -> Result<Receipt, Fault> {
        let body = wire::body(envelope, mail, &self.settings);
        let answer = self.call(PATH, &body, &[envelope]).await?;
        if !answer.is_success() {
            return Err(fault::of(&answer, mail.mail.own_sender()));
        }
        let taken: Taken = answer.json()?;
        Ok(match taken.message_id {
            id if id.is_empty() => Receipt::new(),
            id => Receipt::with_message_id(id),
        })
    }

    /// One call for several mails, or the fault of the whole call.
    async fn send_part(
        &self,
        part: &Part<'_, Ready<'_>>,
    ) -> Result<Vec<Result<Receipt, Fault>>, Fault> {
        if let [item] = part.as_slice() {
            return Ok(vec![self.send_one(item.envelope, &item.mail).await]);
        }
        let body = bulk::body(part, &self.settings);
        let answer = self.call(bulk::PATH, &body, &envelopes(part)).await?;
        if answer.is_success() {
            return Ok(bulk::results(&answer, part.len()));
        }
        let own_sender = part.iter().all(|item| item.mail.mail.own_sender());
        Err(fault::of_bulk(&answer, own_sender))
    }
}

/// Signs as `ses`, although the host is `email.…`.
fn signer(
    access_key_id: String,
    secret: SecretString,
    session_token: Option<SecretString>,
    region: &str,
) -> Arc<Signer> {
    let signer = Signer::new(access_key_id, secret, region, "ses");
    Arc::new(match session_token {
        Some(token) => signer.session_token(token),
        None => signer,
    })
}

#[async_trait]
impl Provider for SesProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn batch_key(&self, message: &Message) -> Option<u64> {
        let mail = message.body::<EmailMessage>().ok()?;
        self.settings.bulk.then(|| bulk::key(mail)).flatten()
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let mail = wire::ready(envelope, &self.sender)?;
        self.send_one(envelope, &mail).await
    }

    async fn send_batch(&self, batch: &[Envelope]) -> Vec<Result<Receipt, Fault>> {
        let mut work = Batch::of(
            batch,
            |envelope| wire::ready(envelope, &self.sender),
            |part, next| self.settings.bulk && bulk::may_join(part, next),
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

impl fmt::Debug for SesProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SesProvider")
            .field("name", &self.name)
            .field("region", &self.region)
            .field("client", &self.client)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
