//! Push by Firebase Cloud Messaging, HTTP v1: <https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages>.

mod builder;
mod fault;
mod wire;

pub use builder::FcmBuilder;

use async_trait::async_trait;
use bytes::Bytes;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{ProviderName, Result};
use serde::Deserialize;
use std::fmt;
use std::time::Duration;

use super::note::Note;
use super::target::Target;
use super::token::{Fresh, Token, Tokens};
use crate::http::{Answer, Call, HttpClient};
use crate::signature::google::ServiceAccount;
use wire::Settings;

/// What the access token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How a service account asks for one (RFC 7523 §2.1).
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long asking for one may take, if the message has that much time.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Sends push messages by Firebase Cloud Messaging (FCM): to Android, to browsers, and by Apple's service to iOS.
///
/// - The address is a registration token; `topic:news` is everybody who has subscribed to `news`, and
///   `condition:'news' in topics && 'sport' in topics` everybody for whom that holds.
/// - All calls share a few connections (HTTP/2). FCM v1 has no calls for several devices.
/// - A call shows an access token, which is asked for with the service account's key, used by all calls, and renewed five minutes
///   before its end. If FCM refuses one that is older than a minute, the call is made once more with a new one: nothing was sent.
/// - [`Receipt::message_id`] is the message's `name`, `projects/…/messages/…`.
/// - FCM has no idempotency keys: what is unknown may have gone out. A collapse key lets a second message take the first one's place.
/// - FCM has no webhooks: what it knows about a device is its answer. A token that is dead (`UNREGISTERED`), belongs to another
///   project (`SENDER_ID_MISMATCH`), or is none, is a recipient fault. If many are of another project, this project is the wrong one.
/// - Texts and data of more than 4,096 bytes are refused before any call.
///
/// | of the message | becomes |
/// |---|---|
/// | `title`, `body`, `image` | `notification`; without title and text there is none, and the application gets data only |
/// | `data`, `click_action`, the notification's id and category | `data` |
/// | `collapse_key` | `android.collapse_key` and the `tag` that replaces it on the screen, `apns-collapse-id`, `Topic` |
/// | `ttl` | `android.ttl`, `apns-expiration`, `TTL`; four weeks at most |
/// | `priority` | `android.priority`, `apns-priority`, `Urgency` |
/// | `badge`, `sound`, `category` | `android.notification`: `notification_count`, `sound`, `channel_id`; and `aps` |
/// | `click_action` | besides: a link in browsers if it is `https://…`, `click_action` of Android if it is no URL |
/// | `subtitle`, `thread` | `aps` only |
/// | `actions` | in browsers only |
/// | `interruption` | `aps`, `notification_priority` of Android, `silent` in browsers |
/// | `android`, `webpush` | are laid over these sections, `apns` over `apns.payload`; `null` takes away |
///
/// ```
/// use notify_providers::push::fcm::FcmProvider;
///
/// // The file that Firebase's console hands out under "Service accounts".
/// let provider = FcmProvider::from_url("fcm://default?key_file=/run/secrets/fcm.json");
/// assert!(provider.is_err(), "there is no such file here");
/// ```
pub struct FcmProvider {
    name: ProviderName,
    capabilities: Capabilities,
    account: ServiceAccount,
    path: String,
    settings: Settings,
    tokens: Tokens,
    client: HttpClient,
}

/// What FCM says when it has taken a message.
#[derive(Deserialize)]
struct Taken {
    name: String,
}

/// What Google says when it gives out a token.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u32,
}

impl FcmProvider {
    /// Options for a provider with this service account: the JSON of its key file.
    pub fn builder(service_account: impl Into<SecretString>) -> FcmBuilder {
        FcmBuilder::new(service_account.into())
    }

    /// A provider from one line: `fcm://default?key_file=/run/secrets/fcm.json`, or `fcm://KEY@default` where `KEY` is the content of
    /// that file in base64.
    ///
    /// The host `default` is `fcm.googleapis.com`. Parameters: `key_file`, `project`, `validate_only=true`, `name`, `timeout` in
    /// seconds, `connections`, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    async fn token(&self) -> Result<Token, Fault> {
        let clock = self.client.clock();
        let fetch = || async {
            let assertion = self
                .account
                .assertion(SCOPE, clock.now())
                .map_err(|_| Fault::config("service_account"))?;
            let form = [
                ("grant_type", GRANT),
                ("assertion", assertion.expose_secret()),
            ];
            let call = Call::post_url(self.account.token_uri.as_str()).form(form);
            granted(&self.client.fetch(call, TOKEN_TIMEOUT).await?)
        };
        self.tokens.get(clock, fetch).await
    }

    fn call(&self, token: &Token, body: &Bytes) -> Call {
        Call::post(self.path.as_str())
            .bearer(&token.secret)
            // Errors with details, as Google's own libraries ask for them.
            .header("x-goog-api-format-version", "2")
            .bytes("application/json", body.clone())
    }

    async fn deliver(&self, envelope: &Envelope, body: &Bytes) -> Result<Answer, Fault> {
        let token = self.token().await?;
        let answer = self
            .client
            .send(self.call(&token, body), &[envelope])
            .await?;
        let renewed =
            fault::is_token_refused(&answer) && self.tokens.refuse(self.client.clock(), &token);
        if !renewed {
            return Ok(answer);
        }
        // The answer was a no: nothing has gone out yet.
        envelope.progress.connecting();
        let token = self.token().await?;
        self.client.send(self.call(&token, body), &[envelope]).await
    }
}

/// What the answer to a request for a token says. Pure.
fn granted(answer: &Answer) -> Result<Fresh, Fault> {
    if !answer.is_success() {
        return Err(fault::of_token(answer));
    }
    // Nothing of a message depends on it yet.
    let granted: Granted = answer.json().map_err(|_| Fault::provider("token"))?;
    Ok(Fresh {
        secret: granted.access_token.into(),
        lifetime: Duration::from_secs(granted.expires_in.into()),
    })
}

/// What the answer to a message says. Pure.
fn receipt(answer: &Answer, is_token: bool) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer, is_token));
    }
    let taken: Taken = answer.json()?;
    Ok(Receipt::with_message_id(taken.name))
}

#[async_trait]
impl Provider for FcmProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let note = Note::of(envelope)?;
        let target = Target::of(note.to)?;
        let now = self.client.clock().now();
        let body = wire::body(envelope, &note, target, &self.settings, now)?;
        let body = Bytes::from(body.to_string());
        let work = self.deliver(envelope, &body);
        let answer = self.client.within(&[envelope], work).await?;
        receipt(&answer, matches!(target, Target::Token(_)))
    }
}

impl fmt::Debug for FcmProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FcmProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("account", &self.account)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
