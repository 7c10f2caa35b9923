//! The provider.

use async_trait::async_trait;
use notify_core::clock::Clock;
use notify_core::provider::{Capabilities, Envelope, Fault, Provider, Receipt, Scope};
use notify_core::secret::SecretString;
use notify_core::{Address, ProviderName, Result};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::builder::{self, WebPushBuilder};
use super::encrypt::{Padding, encrypt};
use super::vapid::Vapid;
use super::{PushSubscription, VapidKey, fault, wire};
use crate::http::{Answer, Call, HttpClient};
use crate::push::note::Note;
use crate::push::token::Moment;

/// How long an authorization is used, of the 12 hours for which it is valid.
const REUSE: Duration = Duration::from_secs(11 * 3_600);
/// For how many push services one is kept. Browsers have a handful; whoever makes up more gets nothing for it.
const MAX_ORIGINS: usize = 64;

/// Sends push messages to browsers: Web Push (RFC 8030), encrypted for the browser alone (RFC 8291), from a sender who is known by a
/// key (VAPID, RFC 8292).
///
/// - The address is the subscription, as `JSON.stringify(subscription)` gave it in the browser: see [`PushSubscription`].
/// - Subscriptions come from users, so their endpoints are called as a [`Guard`](crate::http::Guard) allows: `https://`, port 443,
///   public addresses, no redirect. [`only_hosts`](WebPushBuilder::only_hosts) allows the browsers' own services and no others.
/// - [`Receipt::message_id`] is the message's URL, if the service gives one.
/// - There are no idempotency keys: what is unknown may have gone out. A collapse key lets a second message take the first one's place.
/// - There are no webhooks: what a service knows about a browser is its answer. A subscription that is gone (404, 410) is a recipient
///   fault; one that was made with another VAPID key is the request fault `vapid_mismatch`, and the others go on.
/// - Content of more than [`MAX_PAYLOAD`](super::MAX_PAYLOAD) bytes is refused before any call.
///
/// The service worker gets JSON, of which it shows `notification` as it is:
///
/// ```json
/// {"notification": {"title": "…", "body": "…", "image": "…", "tag": "…", "actions": [{"action": "…", "title": "…"}]},
///  "data": {"notification_id": "…", "category": "…", "click_action": "…", "order": "17"},
///  "app_badge": 3}
/// ```
///
/// | of the message | becomes |
/// |---|---|
/// | `title`, `body`, `image`, `actions` | `notification`; without title and text there is none, and most browsers want one shown |
/// | `data`, `click_action`, the notification's id and category | `data` |
/// | `collapse_key` | `notification.tag`, and the header `Topic`: itself, or what stands for it if it is too long for one |
/// | `ttl` | the header `TTL`; four weeks at most, and if it does not say |
/// | `priority` | the header `Urgency` |
/// | `badge` | `app_badge` |
/// | `interruption` | `notification.silent`, where it is passive |
/// | `webpush` | is laid over `headers`, `notification`, `data` and `fcm_options.link`; `null` takes away |
///
/// ```
/// use notify_providers::push::web_push::{VapidKey, WebPushProvider};
///
/// let key = VapidKey::generate()?;
/// let provider = WebPushProvider::builder(key, "mailto:ops@example.com").build()?;
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct WebPushProvider {
    pub(super) name: ProviderName,
    pub(super) capabilities: Capabilities,
    pub(super) vapid: Vapid,
    pub(super) authorizations: Mutex<HashMap<String, Authorization>>,
    pub(super) padding: Padding,
    pub(super) declarative: bool,
    pub(super) hosts: Option<Vec<String>>,
    pub(super) client: HttpClient,
}

/// What is shown to one push service.
pub(super) struct Authorization {
    header: SecretString,
    signed_at: Moment,
}

impl WebPushProvider {
    /// Options for a provider with this key, and a contact for push services: `mailto:…` or `https://…`. Apple's takes only mailboxes
    /// and pages that could exist: none at `localhost`.
    pub fn builder(key: VapidKey, contact: impl Into<String>) -> WebPushBuilder {
        WebPushBuilder::new(key, contact.into())
    }

    /// A provider from one line: `web-push://PRIVATE_KEY@default?contact=mailto:ops@example.com`, with the key as
    /// [`VapidKey::private_key`] writes it.
    ///
    /// The host is always `default`: each subscription has its own. Parameters: `contact` (required), `browsers_only=true`,
    /// `declarative=true`, `padding` in bytes, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// Refuses endpoints of services that are not allowed.
    fn check(&self, subscription: &PushSubscription) -> Result<(), Fault> {
        let Some(hosts) = &self.hosts else {
            return Ok(());
        };
        let host = host_of(subscription.origin());
        let is_one = |allowed: &String| match allowed.strip_prefix('*') {
            Some(end) => host.ends_with(end) && host.len() > end.len(),
            None => host == allowed,
        };
        if hosts.iter().any(is_one) {
            Ok(())
        } else {
            Err(Fault::request("url_forbidden"))
        }
    }

    /// The header for a push service: the one that is there, or a new one.
    fn authorization(&self, origin: &str, clock: &dyn Clock) -> Result<SecretString, Fault> {
        let lock = self.authorizations.lock();
        let mut known = lock.unwrap_or_else(PoisonError::into_inner);
        if let Some(one) = known.get(origin)
            && one.signed_at.age(clock) < REUSE
        {
            return Ok(one.header.clone());
        }
        if known.len() >= MAX_ORIGINS {
            known.clear();
        }
        let signed_at = Moment::now(clock);
        let header = self.vapid.authorization(origin, signed_at.wall);
        let header = header.map_err(|_| Fault::config("vapid"))?;
        let one = Authorization {
            header: header.clone(),
            signed_at,
        };
        known.insert(origin.to_owned(), one);
        Ok(header)
    }

    /// The request for one message.
    fn call(&self, note: &Note<'_>) -> Result<Call, Fault> {
        let subscription =
            PushSubscription::from_json(note.to).map_err(|_| Fault::recipient("bad_address"))?;
        self.check(&subscription)?;
        let wire = wire::of(note, self.declarative)?;
        let body = encrypt(&subscription, wire.payload.as_bytes(), self.padding)?;
        let header = self.authorization(subscription.origin(), self.client.clock())?;
        let mut call = Call::post_url(subscription.endpoint())
            .secret_header("authorization", &header)
            .header("ttl", wire.ttl)
            .header("urgency", wire.urgency)
            .header("content-encoding", "aes128gcm")
            .bytes("application/octet-stream", body);
        if let Some(topic) = &wire.topic {
            call = call.header("topic", topic);
        }
        Ok(call)
    }
}

/// The host of an origin.
fn host_of(origin: &str) -> &str {
    let authority = origin.split_once("://").map_or(origin, |(_, rest)| rest);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer) -> Result<Receipt, Fault> {
    if !answer.is_success() {
        return Err(fault::of(answer));
    }
    let url = answer.header("location").filter(|url| !url.is_empty());
    Ok(url.map_or_else(Receipt::new, Receipt::with_message_id))
}

#[async_trait]
impl Provider for WebPushProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn scope(&self, address: &Address) -> Option<Scope> {
        let subscription = PushSubscription::from_json(address.expose()).ok()?;
        Scope::host_of(subscription.endpoint())
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let call = self.call(&Note::of(envelope)?)?;
        receipt(&self.client.send(call, &[envelope]).await?)
    }
}

impl fmt::Debug for WebPushProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebPushProvider")
            .field("name", &self.name)
            .field("vapid", &self.vapid)
            .field("padding", &self.padding)
            .field("declarative", &self.declarative)
            .field("hosts", &self.hosts)
            .finish_non_exhaustive()
    }
}
