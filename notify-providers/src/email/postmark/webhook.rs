//! Postmark's webhooks: <https://postmarkapp.com/developer/webhooks/webhooks-overview>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::{Address, ProviderName};
use serde_json::Value;

use crate::email::WebhookSecret;
use crate::email::{date, webhook_secret};
use crate::http::metadata;
use crate::webhook::{json, text};

/// Reads Postmark's webhooks, one event in each.
///
/// Postmark signs nothing: the webhook is registered with a user and a password in its address, or with a header, and what comes
/// without them is refused.
///
/// | `RecordType` | kind |
/// |---|---|
/// | `Delivery`, `Open`, `Click` | delivered, opened, clicked |
/// | `Bounce` | by its `Type`: hard where the address is dead or Postmark has made it inactive, soft, blocked, suppressed, deferred, failed; automatic answers are kept as unknown |
/// | `SpamComplaint` | complained |
/// | `SubscriptionChange` | unsubscribed, resubscribed; suppressed after a bounce, complained after a complaint |
/// | none, an incoming mail | replied |
///
/// ```
/// use notify_providers::email::WebhookSecret;
/// use notify_providers::email::postmark::PostmarkWebhook;
///
/// // Registered as https://hooks:long-random@example.com/hooks/postmark.
/// let parser = PostmarkWebhook::new("postmark", WebhookSecret::basic("hooks", "long-random"));
/// ```
#[derive(Clone, Debug)]
pub struct PostmarkWebhook {
    provider: ProviderName,
    secrets: Vec<WebhookSecret>,
}

impl PostmarkWebhook {
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
        let record = text(&raw, "RecordType").unwrap_or("Inbound");
        let (kind, fault) = kind(record, &raw);
        let at = ["DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt"]
            .into_iter()
            .find_map(|name| date::read(text(&raw, name)?));
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at.unwrap_or(received_at));
        event.fault = fault;
        let id = raw.get("ID").and_then(Value::as_i64);
        event.event_id = id.map(|id| format!("{record}:{id}"));
        let person = match record {
            "Inbound" => {
                // Its id is that of the incoming mail.
                let id = text(&raw, "MessageID");
                event.event_id = id.map(|id| format!("Inbound:{id}"));
                raw.get("FromFull").and_then(|from| text(from, "Email"))
            }
            _ => {
                event.message_id = text(&raw, "MessageID").map(str::to_owned);
                text(&raw, "Recipient").or_else(|| text(&raw, "Email"))
            }
        };
        event.address = person.map(Address::email);
        event.delivery = raw.get("Metadata").and_then(metadata::delivery);
        event.with_raw(raw)
    }
}

impl WebhookParser for PostmarkWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        webhook_secret::check(&self.secrets, request)?;
        let raw = json(request.body)?;
        if !raw.is_object() {
            return Err(WebhookError::malformed("the body is not an event"));
        }
        Ok(Parsed::new(vec![self.event(raw, request.received_at)]))
    }
}

/// What happened, and whose fault it was.
fn kind(record: &str, raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match record {
        "Delivery" => (Kind::Delivered, None),
        "Open" => (Kind::Opened, None),
        "Click" => (
            Kind::clicked(text(raw, "OriginalLink").map(str::to_owned)),
            None,
        ),
        "Bounce" => bounce(text(raw, "Type").unwrap_or("Unknown"), is_inactive(raw)),
        "SpamComplaint" => (Kind::Complained, None),
        "SubscriptionChange" => subscription(raw),
        "Inbound" if raw.get("FromFull").is_some() => (Kind::Replied, None),
        other => (Kind::unknown(other), None),
    }
}

/// Postmark sends nothing more to the address.
fn is_inactive(raw: &Value) -> bool {
    raw.get("Inactive").and_then(Value::as_bool) == Some(true)
}

/// <https://postmarkapp.com/developer/api/bounce-api#bounce-types>. What is not about the address and not about the mail counts only if
/// Postmark has drawn its consequence.
fn bounce(name: &str, inactive: bool) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let code = || name.to_owned();
    match name {
        "HardBounce" | "BadEmailAddress" => {
            (Kind::bounced(Bounce::Hard), Some(Fault::recipient(code())))
        }
        "ManuallyDeactivated" => (
            Kind::bounced(Bounce::Suppressed),
            Some(Fault::recipient(code())),
        ),
        "SpamComplaint" => (Kind::Complained, None),
        "Subscribe" => (Kind::Resubscribed, None),
        "Unsubscribe" => (Kind::Unsubscribed, None),
        _ if inactive => (Kind::bounced(Bounce::Hard), Some(Fault::recipient(code()))),
        "DnsError" | "Transient" => (Kind::Deferred, Some(Fault::provider(code()))),
        "SoftBounce" => (Kind::bounced(Bounce::Soft), Some(Fault::provider(code()))),
        "Blocked" | "DMARCPolicy" | "SpamNotification" | "VirusNotification" => {
            (Kind::bounced(Bounce::Blocked), Some(Fault::request(code())))
        }
        "SMTPApiError" | "TemplateRenderingFailed" => (Kind::Failed, Some(Fault::request(code()))),
        other => (Kind::unknown(other), None),
    }
}

fn subscription(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    if raw.get("SuppressSending").and_then(Value::as_bool) != Some(true) {
        return (Kind::Resubscribed, None);
    }
    match text(raw, "SuppressionReason") {
        Some("HardBounce") => (
            Kind::bounced(Bounce::Suppressed),
            Some(Fault::recipient("HardBounce")),
        ),
        Some("SpamComplaint") => (Kind::Complained, None),
        _ => (Kind::Unsubscribed, None),
    }
}
