//! Brevo's webhooks: <https://developers.brevo.com/docs/transactional-webhooks>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::{Address, ProviderName};
use serde_json::Value;

use crate::email::WebhookSecret;
use crate::email::webhook_secret;
use crate::http::metadata;
use crate::webhook::{json, text};

/// Reads Brevo's webhooks: one event in each, or several where the webhook is a batched one.
///
/// Brevo signs nothing: the webhook is registered with a token, or with a user and a password, and what comes without them is refused.
///
/// | event | kind |
/// |---|---|
/// | `request`, `delivered`, `deferred` | accepted, delivered, deferred |
/// | `hard_bounce`, `invalid_email` | bounced, hard |
/// | `soft_bounce` | bounced, soft |
/// | `blocked` | bounced, suppressed: the address is on a list of Brevo's |
/// | `error` | failed |
/// | `opened`, `unique_opened`, `click`, `spam`, `unsubscribed` | opened, opened, clicked, complained, unsubscribed |
/// | `proxy_open`, `unique_proxy_open` | unknown, under their name: a machine opened it, and no reader |
///
/// ```
/// use notify_providers::email::WebhookSecret;
/// use notify_providers::email::brevo::BrevoWebhook;
///
/// let parser = BrevoWebhook::new("brevo", WebhookSecret::bearer("long-random"));
/// ```
#[derive(Clone, Debug)]
pub struct BrevoWebhook {
    provider: ProviderName,
    secrets: Vec<WebhookSecret>,
}

impl BrevoWebhook {
    /// For the provider of this name, with what the webhook was registered with.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, secret: WebhookSecret) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![secret],
        }
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, secret: WebhookSecret) -> Self {
        self.secrets.push(secret);
        self
    }

    fn event(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let name = text(&raw, "event").unwrap_or_default();
        let (kind, fault) = kind(name, &raw);
        // All others are in the time zone of the account.
        let millis = raw.get("ts_epoch").and_then(Value::as_i64);
        let at = millis.map_or(received_at, |millis| {
            Timestamp::from_micros(millis.saturating_mul(1_000))
        });
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        let id = text(&raw, "message-id").map(|id| id.trim_matches(['<', '>']));
        // Brevo has no ids of events: `id` is that of the webhook.
        let time = millis.unwrap_or_default();
        event.event_id = id.map(|id| format!("{id}:{name}:{time}"));
        event.message_id = id.map(str::to_owned);
        event.address = text(&raw, "email").map(Address::email);
        let custom = text(&raw, "X-Mailin-custom");
        let custom = custom.and_then(|custom| serde_json::from_str::<Value>(custom).ok());
        event.delivery = custom.as_ref().and_then(metadata::delivery);
        event.with_raw(raw)
    }
}

impl WebhookParser for BrevoWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        webhook_secret::check(&self.secrets, request)?;
        let events = match json(request.body)? {
            Value::Array(events) => events,
            event @ Value::Object(_) => vec![event],
            _ => return Err(WebhookError::malformed("the body is not an event")),
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
fn kind(name: &str, raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let code = || status_of(raw).unwrap_or(name).to_owned();
    match name {
        "request" => (Kind::Accepted, None),
        "delivered" => (Kind::Delivered, None),
        "deferred" => (Kind::Deferred, Some(Fault::provider(code()))),
        "hard_bounce" | "invalid_email" => {
            (Kind::bounced(Bounce::Hard), Some(Fault::recipient(code())))
        }
        "soft_bounce" => (Kind::bounced(Bounce::Soft), Some(Fault::provider(code()))),
        "blocked" => (
            Kind::bounced(Bounce::Suppressed),
            Some(Fault::recipient("blocked")),
        ),
        "error" => (Kind::Failed, Some(Fault::provider("error"))),
        "opened" | "unique_opened" => (Kind::Opened, None),
        "click" => (Kind::clicked(text(raw, "link").map(str::to_owned)), None),
        "spam" | "complaint" => (Kind::Complained, None),
        "unsubscribed" | "unsubscribe" => (Kind::Unsubscribed, None),
        other => (Kind::unknown(other), None),
    }
}

/// The status of RFC 3463, or the code of RFC 5321, among the first words of the reason.
fn status_of(raw: &Value) -> Option<&str> {
    let mut words = text(raw, "reason")?.split_whitespace().take(3);
    let is_status = |word: &str| {
        (3..=9).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    let (mut basic, mut enhanced) = (None, None);
    while let Some(word) = words.next().filter(|word| is_status(word)) {
        if word.contains('.') {
            enhanced = enhanced.or(Some(word));
        } else {
            basic = basic.or(Some(word));
        }
    }
    enhanced.or(basic)
}
