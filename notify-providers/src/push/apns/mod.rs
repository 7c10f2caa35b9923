//! Push by the Apple Push Notification service:
//! <https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns>.

mod builder;
mod fault;
mod push_type;
mod token;
mod wire;

pub use builder::ApnsBuilder;
pub use push_type::PushType;

use async_trait::async_trait;
use bytes::Bytes;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt};
use notify_core::secret::SecretString;
use notify_core::{ProviderName, Result};
use std::fmt;

use super::note::Note;
use crate::http::{Answer, Call, HttpClient};
use token::ProviderTokens;
use wire::{Settings, Wire};

/// Sends push messages to Apple's devices by the Apple Push Notification service (APNs).
///
/// - The address is a device token in hexadecimal; for a Live Activity, the activity's own token.
/// - All calls share a few connections (HTTP/2), which are kept by pings. A connection that Apple gives up (`GOAWAY`) is replaced, and
///   a message that Apple says it never looked at is a provider fault and not an unknown one.
/// - A call shows a token signed with the account's key, made anew every 50 minutes: Apple refuses tokens of more than an hour, and
///   those who sign more than one in 20 minutes. If Apple says that it has expired and it is older than that, as after a pause of the
///   host, the call is made once more with a new one: nothing was sent. A [certificate](Self::builder_with_certificate) is shown
///   instead by those who have one.
/// - `apns-id` is made of the idempotency key, so that every attempt has the same one; it is [`Receipt::message_id`]. Apple does not
///   drop a second message with the same id: what is unknown may have gone out. A collapse key lets a second message take the first
///   one's place.
/// - APNs has no webhooks: what it knows about a device is its answer. A token that is dead (`Unregistered`, `ExpiredToken`), is none
///   (`BadDeviceToken`) or belongs to another application (`DeviceTokenNotForTopic`) is a recipient fault.
/// - Payloads of more than 4,096 bytes, 5,120 for `voip`, are refused before any call.
///
/// | of the message | becomes |
/// |---|---|
/// | `title`, `subtitle`, `body` | `aps.alert` |
/// | `badge`, `sound`, `category`, `thread`, `interruption` | `aps`: `badge`, `sound`, `category`, `thread-id`, `interruption-level` |
/// | `data`, `click_action`, the notification's id and category | fields beside `aps` |
/// | `image` | the field `image` beside `aps`, and `mutable-content`, by which the application fetches it |
/// | `collapse_key`, `ttl`, `priority` | `apns-collapse-id`, `apns-expiration`, `apns-priority` |
/// | `apns` | is laid over the payload; `null` takes away |
///
/// The rest of `aps`, such as `content-available`, `relevance-score` or `target-content-id`, comes by the message's `apns`. What kind
/// of push it is is seen from the payload, where the provider is not [for one kind](ApnsBuilder::push_type): a Live Activity has
/// `content-state` or `event`, a background push `content-available` and nothing to show.
///
/// ```
/// use notify_core::channel::PushMessage;
/// use serde_json::json;
///
/// let activity = PushMessage::new("", "").with_apns(json!({"aps": {
///     "event": "update",
///     "content-state": {"minutes": 7},
/// }}));
/// let silent = PushMessage::new("", "").with_apns(json!({"aps": {"content-available": 1}}));
/// ```
pub struct ApnsProvider {
    name: ProviderName,
    capabilities: Capabilities,
    tokens: Option<ProviderTokens>,
    settings: Settings,
    client: HttpClient,
}

impl ApnsProvider {
    /// Options for a provider of the application with this bundle id, with a key of the developer account: the content of
    /// `AuthKey_<key id>.p8`, the id of the key and the id of the team, ten characters each.
    pub fn builder(
        topic: impl Into<String>,
        key: impl Into<SecretString>,
        key_id: impl Into<String>,
        team_id: impl Into<String>,
    ) -> ApnsBuilder {
        ApnsBuilder::with_key(topic.into(), key.into(), key_id.into(), team_id.into())
    }

    /// The same with a certificate and its private key, both in PEM and in one text.
    pub fn builder_with_certificate(
        topic: impl Into<String>,
        certificate: impl Into<SecretString>,
    ) -> ApnsBuilder {
        ApnsBuilder::with_certificate(topic.into(), certificate.into())
    }

    /// A provider from one line: `apns://KEY_ID@default?team=TEAM_ID&topic=com.example.app&key_file=/run/secrets/AuthKey.p8`, or
    /// `apns://KEY_ID:KEY@…` where `KEY` is the content of that file in base64.
    ///
    /// The host `default` is Apple's production server. Parameters: `team` and `topic` (required), `key_file`, `sandbox=true`,
    /// `push_type`, `name`, `timeout` in seconds, `connections`, `concurrency`. With a certificate:
    /// `apns://default?topic=…&certificate_file=/run/secrets/apns.pem`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    fn call(&self, wire: &Wire, body: &Bytes, token: Option<&SecretString>) -> Call {
        let mut call = Call::post(wire.path.as_str())
            .header("apns-id", &wire.id)
            .header("apns-topic", &wire.topic)
            .header("apns-push-type", wire.push_type.as_str())
            .header("apns-priority", wire.priority)
            .bytes("application/json", body.clone());
        if let Some(expiration) = &wire.expiration {
            call = call.header("apns-expiration", expiration);
        }
        if let Some(key) = &wire.collapse_id {
            call = call.header("apns-collapse-id", key);
        }
        match token {
            Some(token) => call.authorization("bearer", token),
            None => call,
        }
    }

    async fn deliver(
        &self,
        envelope: &Envelope,
        wire: &Wire,
        body: &Bytes,
    ) -> Result<Answer, Fault> {
        let clock = self.client.clock();
        let Some(tokens) = &self.tokens else {
            let call = self.call(wire, body, None);
            return self.client.send(call, &[envelope]).await;
        };
        let token = tokens.get(clock)?;
        let call = self.call(wire, body, Some(&token.secret));
        let answer = self.client.send(call, &[envelope]).await?;
        let renewed = fault::is_token_expired(&answer) && tokens.refuse(clock, &token);
        if !renewed {
            return Ok(answer);
        }
        let token = tokens.get(clock)?;
        let call = self.call(wire, body, Some(&token.secret));
        self.client.send(call, &[envelope]).await
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer, id: &str) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer));
    }
    // Apple says yes by the status, and repeats the id.
    let said = answer.header("apns-id").filter(|said| !said.is_empty());
    Ok(Receipt::with_message_id(said.unwrap_or(id)))
}

#[async_trait]
impl Provider for ApnsProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let note = Note::of(envelope)?;
        let now = self.client.clock().now();
        let (wire, body) = wire::of(envelope, &note, &self.settings, now)?;
        let body = Bytes::from(body);
        let work = self.deliver(envelope, &wire, &body);
        let answer = self.client.within(&[envelope], work).await?;
        receipt(&answer, &wire.id)
    }
}

impl fmt::Debug for ApnsProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApnsProvider")
            .field("name", &self.name)
            .field("client", &self.client)
            .field("tokens", &self.tokens)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
