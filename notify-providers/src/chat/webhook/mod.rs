//! Messages as JSON to the URLs of others, signed by [Standard Webhooks](https://www.standardwebhooks.com).

mod builder;

pub use builder::WebhookBuilder;

use async_trait::async_trait;
use notify_core::channel::ChatChannel;
use notify_core::id::AddressScheme;
use notify_core::provider::{Capabilities, Envelope, Fault, FaultKind, Provider, Receipt, Scope};
use notify_core::{Address, ChannelId, ProviderName, Result};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::named::Named;
use super::post::Post;
use crate::http::{Answer, Call, HttpClient};
use crate::signature::StandardWebhooks;
use crate::signature::encoding::sha256_hex;

/// The channel of its messages.
pub const CHANNEL: ChannelId = ChannelId::new("webhook");
/// The scheme of its addresses.
pub const SCHEME: AddressScheme = AddressScheme::new("webhook");

/// The version of the [body](WebhookProvider#the-body).
const VERSION: u32 = 1;

/// The channel, for the application's list.
#[must_use]
pub fn channel() -> ChatChannel {
    ChatChannel::new(CHANNEL, SCHEME)
}

/// Sends messages as JSON to URLs that customers give.
///
/// - An address is an `https://` URL, or a name of the configuration. Calls go to port 443 of public addresses only, as a
///   [`Guard`](crate::http::Guard) says; redirects are not followed.
/// - Each call is signed with the secret of its receiver, or with two while one is replaced. The receiver checks the signature by
///   [`StandardWebhooks`], or by the library of the specification in its own language.
/// - `webhook-id` is the same for every attempt, by which the receiver tells repetitions. `webhook-timestamp` is the attempt's.
///   [`Receipt::message_id`] is the id.
/// - Any status from 200 to 299 is a yes, whatever the body says. 410 says that the address wants nothing more, and 413 that the
///   message is too large. Everything else, a certificate that does not hold among it, is the receiver's own trouble and may be over
///   later, so it is a provider fault, with the wait of `Retry-After`.
///
/// # The body
///
/// The text is not changed in any way; whoever shows it must escape it for that place. Fields may be added in the same version.
///
/// | field | |
/// |---|---|
/// | `type` | `notification` |
/// | `version` | `1` |
/// | `data.notification_id`, `data.delivery_id` | UUIDs |
/// | `data.tenant`, `data.category` | names |
/// | `data.class` | `critical`, `transactional` or `marketing` |
/// | `data.correlation_id` | the caller's; not always there |
/// | `data.text` | the text; empty where there is only `content` |
/// | `data.content` | the message's `blocks`; not always there |
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_providers::chat::webhook::{self, WebhookProvider};
/// use notify_providers::signature::StandardWebhooks;
///
/// // Whoever sends:
/// let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// let provider = WebhookProvider::builder(StandardWebhooks::new(secret)?).build()?;
///
/// // The application's list of channels gets one more, whose addresses are such as `webhook:https://example.com/hooks`.
/// let channel = webhook::channel();
///
/// // Whoever receives, with the headers of the request and its raw body:
/// fn is_ours(webhooks: &StandardWebhooks, headers: &[(&str, &str)], body: &[u8], now: Timestamp) -> bool {
///     let header = |name: &str| headers.iter().find(|(other, _)| *other == name).map(|(_, value)| *value);
///     webhooks.verify(header, body, now).is_ok()
/// }
/// # Ok::<(), notify_core::Error>(())
/// ```
pub struct WebhookProvider {
    name: ProviderName,
    capabilities: Capabilities,
    keys: Keys,
    endpoints: Named,
    max_bytes: usize,
    client: HttpClient,
}

/// Whose secret a message is signed with.
enum Keys {
    One(StandardWebhooks),
    By(Arc<Find>),
}

/// Finds the secret of a message's receiver.
type Find = dyn Fn(&Envelope) -> Option<StandardWebhooks> + Send + Sync;

impl Keys {
    fn of(&self, envelope: &Envelope) -> Option<Cow<'_, StandardWebhooks>> {
        match self {
            Self::One(keys) => Some(Cow::Borrowed(keys)),
            Self::By(find) => find(envelope).map(Cow::Owned),
        }
    }
}

/// The body, version 1.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    version: u32,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    notification_id: String,
    delivery_id: String,
    tenant: &'a str,
    category: &'a str,
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'a Value>,
}

impl WebhookProvider {
    /// Options for a provider that signs everything with this secret, or with these.
    pub fn builder(keys: StandardWebhooks) -> WebhookBuilder {
        WebhookBuilder::new(Keys::One(keys))
    }

    /// Options for a provider that signs each message with the secret of its receiver, which `find` finds, by the tenant or by the
    /// address. It must answer at once, from memory. A message without a secret is refused (`no_key`).
    pub fn with_keys_by(
        find: impl Fn(&Envelope) -> Option<StandardWebhooks> + Send + Sync + 'static,
    ) -> WebhookBuilder {
        WebhookBuilder::new(Keys::By(Arc::new(find)))
    }

    /// A provider from one line: `webhook://whsec_…@default`.
    ///
    /// The host is always `default`. Parameters: `also`, a second secret while one is replaced; `webhook` with its name `room`;
    /// `port`, one more that is allowed; `max_bytes`, `name`, `timeout` in seconds, `concurrency`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) naming the part that is wrong, and never showing the line.
    pub fn from_url(url: &str) -> Result<Self> {
        builder::parse(url)?.build()
    }

    /// The request for one message.
    fn call(&self, envelope: &Envelope) -> Result<(Call, String), Fault> {
        let post = Post::of(envelope, &CHANNEL, &SCHEME)?;
        let url = self.endpoints.resolve(post.to);
        if !is_url(url) {
            return Err(Fault::recipient("bad_address"));
        }
        let body = body(envelope, &post)?;
        if body.len() > self.max_bytes {
            return Err(Fault::request("too_large"));
        }
        let keys = self.keys.of(envelope);
        let keys = keys.ok_or_else(|| Fault::request("no_key"))?;
        let id = webhook_id(&envelope.key);
        let headers = keys.sign(&id, &body, self.client.now());
        let headers = headers.map_err(|_| Fault::request("webhook_id"))?;
        let mut call = Call::post_url(url).bytes("application/json", body);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        Ok((call, id))
    }
}

/// The same bytes for every attempt.
fn body(envelope: &Envelope, post: &Post<'_>) -> Result<Vec<u8>, Fault> {
    let data = Data {
        notification_id: envelope.notification.to_string(),
        delivery_id: envelope.delivery.to_string(),
        tenant: envelope.tenant.as_str(),
        category: envelope.category.as_str(),
        class: envelope.class.as_str(),
        correlation_id: envelope.correlation_id.as_deref(),
        text: &post.message.text,
        content: post.message.blocks.as_ref(),
    };
    let body = Body {
        r#type: "notification",
        version: VERSION,
        data,
    };
    serde_json::to_vec(&body).map_err(|_| Fault::request("content"))
}

/// The idempotency key, or its hash where it has characters that an id must not have.
fn webhook_id(key: &str) -> String {
    let fits = (1..=128).contains(&key.len());
    if fits && key.bytes().all(|b| b.is_ascii_graphic() && b != b'.') {
        key.to_owned()
    } else {
        sha256_hex(key.as_bytes())
    }
}

/// Whether it is meant as a URL; where it may lead, the guard knows.
fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A receiver's certificate is its own matter: it must not stop the calls to all others.
fn of_receiver(fault: Fault) -> Fault {
    match fault.kind() {
        FaultKind::Config => Fault::provider(fault.code().to_owned()),
        _ => fault,
    }
}

/// What the answer says. Pure.
fn receipt(answer: &Answer, id: String) -> Result<Receipt, Fault> {
    let code = format!("http_{}", answer.status());
    match answer.status() {
        200..=299 => Ok(Receipt::with_message_id(id)),
        410 => Err(Fault::recipient(code)),
        413 => Err(Fault::request(code)),
        _ => Err(match answer.retry_after() {
            Some(wait) => Fault::retry_after(code, wait),
            None => Fault::provider(code),
        }),
    }
}

#[async_trait]
impl Provider for WebhookProvider {
    fn name(&self) -> &ProviderName {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn scope(&self, address: &Address) -> Option<Scope> {
        Scope::host_of(self.endpoints.resolve(address.expose()))
    }

    async fn send(&self, envelope: &Envelope) -> Result<Receipt, Fault> {
        let (call, id) = self.call(envelope)?;
        let answer = self.client.send(call, &[envelope]).await;
        receipt(&answer.map_err(of_receiver)?, id)
    }
}

impl fmt::Debug for WebhookProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookProvider")
            .field("name", &self.name)
            .field("endpoints", &self.endpoints)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(keys) => keys.fmt(f),
            Self::By(_) => f.write_str("By(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_key_where_it_may_be() {
        assert_eq!(webhook_id("0190b3c4-7-webhook"), "0190b3c4-7-webhook");
        for other in ["", "a.b", "a b", "ключ", &"x".repeat(129)] {
            let id = webhook_id(other);
            assert_eq!(id.len(), 64, "{other}");
            assert_eq!(id, webhook_id(other), "the same each time");
        }
        assert_ne!(webhook_id("a.b"), webhook_id("a.c"));
    }
}
