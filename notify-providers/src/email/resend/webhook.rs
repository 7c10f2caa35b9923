//! Resend's webhooks, by Svix: <https://resend.com/docs/dashboard/webhooks/event-types>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, DeliveryId, ProviderName, Result};
use serde_json::Value;
use std::time::Duration;

use crate::email::date;
use crate::http::metadata;
use crate::signature::StandardWebhooks;
use crate::webhook::{json, text};

/// Reads Resend's webhooks, one event in each.
///
/// They are signed by the symmetric scheme of Standard Webhooks (HMAC-SHA256 over id, time and body), with headers that begin with
/// `svix-`.
///
/// | event | kind |
/// |---|---|
/// | `email.sent`, `email.scheduled` | accepted |
/// | `email.delivered`, `email.delivery_delayed`, `email.opened`, `email.clicked`, `email.complained` | delivered, deferred, opened, clicked, complained |
/// | `email.bounced` | permanent: hard, or suppressed if Resend did not try; else soft |
/// | `email.suppressed` | suppressed |
/// | `email.failed` | failed |
/// | `email.received` | replied |
///
/// ```
/// use notify_providers::email::resend::ResendWebhook;
///
/// let parser = ResendWebhook::new("resend", "whsec_plJ3nmyCDGBKInavdOK15jsl")?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ResendWebhook {
    provider: ProviderName,
    signatures: StandardWebhooks,
}

impl ResendWebhook {
    /// For the provider of this name, with the webhook's signing secret (`whsec_…`).
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) if it is no such secret.
    pub fn new(provider: impl Into<ProviderName>, secret: impl Into<SecretString>) -> Result<Self> {
        Ok(Self {
            provider: provider.into(),
            signatures: StandardWebhooks::new(secret)?,
        })
    }

    /// Also takes this secret, while one is replaced by another.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](notify_core::ErrorKind::Config) if it is no such secret.
    pub fn or_secret(mut self, secret: impl Into<SecretString>) -> Result<Self> {
        self.signatures = self.signatures.and(secret)?;
        Ok(self)
    }

    /// How long before or after its signature a request may come. Default: 5 minutes, as of Svix.
    #[must_use]
    pub fn max_age(mut self, window: Duration) -> Self {
        self.signatures = self.signatures.tolerance(window);
        self
    }

    fn event(&self, raw: Value, request: &WebhookRequest<'_>) -> ProviderEvent {
        let name = text(&raw, "type").unwrap_or_default();
        let data = raw.get("data").unwrap_or(&Value::Null);
        let (kind, fault) = kind(name, data);
        let at = text(&raw, "created_at").and_then(date::read);
        let at = at.unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        let id = ["svix-id", "webhook-id"]
            .into_iter()
            .find_map(|name| request.header(name));
        event.event_id = id.map(str::to_owned);
        if name == "email.received" {
            event.address = text(data, "from").map(address);
        } else {
            event.message_id = text(data, "email_id").map(str::to_owned);
            let to = data
                .get("to")
                .and_then(|to| to.get(0)?.as_str().or_else(|| to.as_str()));
            event.address = to.map(address);
        }
        event.delivery = data.get("tags").and_then(delivery);
        event.with_raw(raw)
    }
}

impl WebhookParser for ResendWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let now: Timestamp = request.received_at;
        self.signatures
            .check(|name| request.header(name), request.body, now)?;
        let raw = json(request.body)?;
        Ok(Parsed::new(vec![self.event(raw, request)]))
    }
}

/// The address of `Name <address>`, or of what is one by itself.
fn address(text: &str) -> Address {
    let inner = text
        .trim()
        .strip_suffix('>')
        .and_then(|head| head.rsplit_once('<'));
    Address::email(inner.map_or(text, |(_, inner)| inner))
}

/// Tags come back as an object, or as the list that was sent.
fn delivery(tags: &Value) -> Option<DeliveryId> {
    let listed = || {
        let mut tags = tags.as_array()?.iter();
        let ours = tags.find(|tag| text(tag, "name") == Some(metadata::DELIVERY))?;
        text(ours, "value")?.parse().ok()
    };
    metadata::delivery(tags).or_else(listed)
}

/// What happened, and whose fault it was.
fn kind(name: &str, data: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match name {
        "email.sent" | "email.scheduled" => (Kind::Accepted, None),
        "email.delivered" => (Kind::Delivered, None),
        "email.delivery_delayed" => (Kind::Deferred, Some(Fault::provider("delivery_delayed"))),
        "email.opened" => (Kind::Opened, None),
        "email.clicked" => {
            let link = data.get("click").and_then(|click| text(click, "link"));
            (Kind::clicked(link.map(str::to_owned)), None)
        }
        "email.complained" => (Kind::Complained, None),
        "email.bounced" => bounce(data.get("bounce").unwrap_or(&Value::Null)),
        "email.suppressed" => (
            Kind::bounced(Bounce::Suppressed),
            Some(Fault::recipient("suppressed")),
        ),
        "email.failed" => (Kind::Failed, Some(Fault::provider("failed"))),
        "email.received" => (Kind::Replied, None),
        other => (Kind::unknown(other), None),
    }
}

fn bounce(bounce: &Value) -> (ProviderEventKind, Option<Fault>) {
    let part = text(bounce, "subType").unwrap_or("bounced");
    let words = text(bounce, "message").unwrap_or_default();
    let suppressed = matches!(part, "Suppressed" | "OnAccountSuppressionList")
        || words.contains("suppressed sending");
    let (bounce, fault) = match text(bounce, "type") {
        _ if suppressed => (Bounce::Suppressed, Fault::recipient("suppressed")),
        Some("Permanent") => (Bounce::Hard, Fault::recipient(part.to_owned())),
        Some("Transient")
            if matches!(
                part,
                "AttachmentRejected" | "ContentRejected" | "MessageTooLarge"
            ) =>
        {
            (Bounce::Blocked, Fault::request(part.to_owned()))
        }
        _ => (Bounce::Soft, Fault::provider(part.to_owned())),
    };
    (ProviderEventKind::bounced(bounce), Some(fault))
}
