//! Mandrill's webhooks: <https://mailchimp.com/developer/transactional/docs/webhooks/>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, ProviderName};
use serde_json::Value;
use std::fmt;

use crate::http::metadata;
use crate::signature::encoding::unbase64;
use crate::signature::hmac::{Hash, verify};
use crate::webhook::{any_secret, form, json, text};

const SIGNATURE: &str = "X-Mandrill-Signature";
/// The only field of the form: a list of events.
const EVENTS: &str = "mandrill_events";
/// What Mandrill signs its first test with, before the webhook has a key.
const TEST_KEY: &str = "test-webhook";

/// Reads Mandrill's webhooks.
///
/// Mandrill signs the URL as it was registered, with a user and a password if they are in it, and the form (HMAC-SHA1). No time is
/// signed: a request may be repeated, and its events are told apart by [`ProviderEvent::event_id`].
///
/// | event | kind |
/// |---|---|
/// | `send` | accepted |
/// | `delivered`, `deferral`, `open`, `click` | delivered, deferred, opened, clicked |
/// | `hard_bounce`, `soft_bounce` | bounced: hard, soft |
/// | `reject` | bounced, suppressed |
/// | `spam`, `unsub` | complained, unsubscribed |
/// | `inbound` | replied |
/// | `blacklist`, `whitelist` and others | unknown, under their name |
///
/// ```
/// use notify_providers::email::mandrill::MandrillWebhook;
///
/// let parser = MandrillWebhook::new("mandrill", "the webhook's key");
/// ```
#[derive(Clone)]
pub struct MandrillWebhook {
    provider: ProviderName,
    keys: Vec<SecretString>,
    url: Option<String>,
}

impl MandrillWebhook {
    /// For the provider of this name, with the key of the webhook, which is not the API key.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, key: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            keys: vec![key.into()],
            url: None,
        }
    }

    /// Also takes this key, while one is replaced by another.
    #[must_use]
    pub fn or_key(mut self, key: impl Into<SecretString>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// The URL exactly as it was registered. Default: that of the request, which lacks a user and a password.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    fn verify(
        &self,
        request: &WebhookRequest<'_>,
        fields: &[(String, String)],
        keys: &[SecretString],
    ) -> Result<(), WebhookError> {
        let signature = request.header(SIGNATURE).and_then(unbase64);
        let signature = signature.ok_or(WebhookError::Unauthorized)?;
        let mut sorted: Vec<_> = fields.iter().collect();
        sorted.sort();
        let mut signed = self.url.as_deref().unwrap_or(request.url).to_owned();
        for (name, value) in sorted {
            signed.push_str(name);
            signed.push_str(value);
        }
        any_secret(keys, |key| {
            verify(Hash::Sha1, key, &[signed.as_bytes()], &signature)
        })
    }

    fn event(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let name = text(&raw, "event").or_else(|| text(&raw, "type"));
        let name = name.unwrap_or_default();
        let message = raw.get("msg").unwrap_or(&Value::Null);
        let (kind, fault) = kind(name, &raw, message);
        let seconds = raw.get("ts").and_then(Value::as_i64);
        let at = seconds.map_or(received_at, |seconds| {
            Timestamp::from_micros(seconds.saturating_mul(1_000_000))
        });
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        let person = if name == "inbound" {
            text(message, "from_email")
        } else {
            let id = text(&raw, "_id").or_else(|| text(message, "_id"));
            let time = seconds.unwrap_or_default();
            event.event_id = id.map(|id| format!("{id}:{name}:{time}"));
            event.message_id = id.map(str::to_owned);
            text(message, "email").or_else(|| text(raw.get("reject")?, "email"))
        };
        event.address = person.map(Address::email);
        event.delivery = message.get("metadata").and_then(metadata::delivery);
        event.with_raw(raw)
    }
}

impl WebhookParser for MandrillWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        if request.method == "HEAD" {
            // Whether somebody is there, before a webhook is registered. It says nothing and gets nothing.
            return Ok(Parsed::ping());
        }
        let fields = form(request.body);
        let events = fields.iter().find(|(name, _)| name == EVENTS);
        let events = events.map_or("", |(_, events)| events.as_str());
        if let Err(error) = self.verify(request, &fields, &self.keys) {
            let test = [SecretString::from(TEST_KEY)];
            if events == "[]" && self.verify(request, &fields, &test).is_ok() {
                return Ok(Parsed::ping());
            }
            return Err(error);
        }
        let Value::Array(events) = json(events.as_bytes())? else {
            return Err(WebhookError::malformed("the form holds no list of events"));
        };
        if events.is_empty() {
            return Ok(Parsed::ping());
        }
        let events = events
            .into_iter()
            .map(|raw| self.event(raw, request.received_at));
        Ok(Parsed::new(events.collect()))
    }
}

/// What happened, and whose fault it was.
fn kind(name: &str, raw: &Value, message: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    // A word such as `bad_mailbox`.
    let code = || {
        let word = text(message, "bounce_description").filter(|word| word.len() <= 48);
        word.unwrap_or(name).to_owned()
    };
    match name {
        "send" => (Kind::Accepted, None),
        "delivered" => (Kind::Delivered, None),
        "deferral" => (Kind::Deferred, Some(Fault::provider("deferral"))),
        "hard_bounce" => (Kind::bounced(Bounce::Hard), Some(Fault::recipient(code()))),
        "soft_bounce" => (Kind::bounced(Bounce::Soft), Some(Fault::provider(code()))),
        "reject" => (
            Kind::bounced(Bounce::Suppressed),
            Some(Fault::recipient("reject")),
        ),
        "open" => (Kind::Opened, None),
        "click" => (Kind::clicked(text(raw, "url").map(str::to_owned)), None),
        "spam" => (Kind::Complained, None),
        "unsub" => (Kind::Unsubscribed, None),
        "inbound" => (Kind::Replied, None),
        other => (Kind::unknown(other), None),
    }
}

impl fmt::Debug for MandrillWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MandrillWebhook")
            .field("provider", &self.provider)
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}
