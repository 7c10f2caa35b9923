//! Mailgun's webhooks: <https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, ProviderName};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

use crate::http::metadata;
use crate::signature::mailgun;
use crate::webhook::{any_secret, json, text};

/// For how long Mailgun sends an event again that was not taken.
const WINDOW: Duration = Duration::from_secs(8 * 3_600);

/// Reads Mailgun's webhooks, one event in each.
///
/// Mailgun signs a time and a token (HMAC-SHA256), and **not the event**: whoever has seen one request can send another event with
/// its signature for eight hours. The address of the webhook should therefore be a secret of its own, over TLS.
///
/// | event | kind |
/// |---|---|
/// | `accepted`, `delivered`, `opened`, `clicked`, `unsubscribed`, `complained` | of the same name |
/// | `failed`, temporary | deferred: Mailgun tries again |
/// | `failed`, permanent | bounced: suppressed if the address is on a list of Mailgun's, blocked for policy or reputation, soft if it went on for too long or the mailbox is full, hard if the address is dead; else failed |
/// | `rejected` | failed |
///
/// ```
/// use notify_providers::email::mailgun::MailgunWebhook;
///
/// // The webhook signing key of the account's settings, which is not the API key.
/// let parser = MailgunWebhook::new("mailgun", "signing-key");
/// ```
#[derive(Clone)]
pub struct MailgunWebhook {
    provider: ProviderName,
    keys: Vec<SecretString>,
    window: Duration,
}

impl MailgunWebhook {
    /// For the provider of this name, with the account's webhook signing key.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, key: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            keys: vec![key.into()],
            window: WINDOW,
        }
    }

    /// Also takes this key, while one is replaced by another.
    #[must_use]
    pub fn or_key(mut self, key: impl Into<SecretString>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// How long before or after its signature a request may come. Default: 8 hours, for which Mailgun repeats it.
    #[must_use]
    pub const fn max_age(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    fn verify(&self, body: &Value, now: Timestamp) -> Result<(), WebhookError> {
        let signature = body.get("signature").ok_or(WebhookError::Unauthorized)?;
        let field = |name| text(signature, name).ok_or(WebhookError::Unauthorized);
        let (timestamp, token, mac) = (field("timestamp")?, field("token")?, field("signature")?);
        any_secret(&self.keys, |key| {
            mailgun::verify(key, timestamp, token, mac, now, self.window)
        })
    }

    fn event(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let (kind, fault) = kind(&raw);
        let seconds = raw.get("timestamp").and_then(Value::as_f64);
        let at = seconds.map_or(received_at, |seconds| {
            #[expect(clippy::cast_possible_truncation, reason = "out of range it saturates")]
            Timestamp::from_micros((seconds * 1e6) as i64)
        });
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        // Unique within a day only.
        let day = at.as_micros().div_euclid(86_400_000_000);
        event.event_id = text(&raw, "id").map(|id| format!("{day}:{id}"));
        let headers = raw.pointer("/message/headers");
        let id = headers.and_then(|headers| text(headers, "message-id"));
        event.message_id = id.map(|id| id.trim_matches(['<', '>']).to_owned());
        event.address = text(&raw, "recipient").map(Address::email);
        event.delivery = raw.get("user-variables").and_then(metadata::delivery);
        event.with_raw(raw)
    }
}

impl WebhookParser for MailgunWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let mut body = json(request.body)?;
        self.verify(&body, request.received_at)?;
        let Some(raw) = body.get_mut("event-data").map(Value::take) else {
            return Err(WebhookError::malformed("there is no event-data"));
        };
        Ok(Parsed::new(vec![self.event(raw, request.received_at)]))
    }
}

/// What happened, and whose fault it was.
fn kind(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match text(raw, "event").unwrap_or_default() {
        "accepted" => (Kind::Accepted, None),
        "delivered" => (Kind::Delivered, None),
        "opened" => (Kind::Opened, None),
        "clicked" => (Kind::clicked(text(raw, "url").map(str::to_owned)), None),
        "complained" => (Kind::Complained, None),
        "unsubscribed" => (Kind::Unsubscribed, None),
        "rejected" => (Kind::Failed, Some(Fault::request("rejected"))),
        "failed" if text(raw, "severity") == Some("temporary") => {
            (Kind::Deferred, Some(Fault::provider(code(raw))))
        }
        "failed" => failed(raw),
        other => (Kind::unknown(other), None),
    }
}

/// The status of the other server, else Mailgun's reason.
fn code(raw: &Value) -> String {
    let status = raw.get("delivery-status");
    let enhanced = status.and_then(|status| text(status, "enhanced-code"));
    let basic = status.and_then(|status| status.get("code")?.as_i64());
    enhanced
        .map(str::to_owned)
        .or_else(|| Some(basic.filter(|code| *code != 0)?.to_string()))
        .or_else(|| text(raw, "reason").map(str::to_owned))
        .unwrap_or_else(|| "failed".to_owned())
}

/// What a permanent failure says about the address.
fn failed(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let (reason, code) = (text(raw, "reason").unwrap_or_default(), code(raw));
    let bounced = |bounce, fault| (Kind::bounced(bounce), Some(fault));
    match code.as_str() {
        _ if reason.starts_with("suppress-") => {
            bounced(Bounce::Suppressed, Fault::recipient(reason.to_owned()))
        }
        // On a list of bounces, unsubscribers or complainers.
        "605" | "606" | "607" => bounced(Bounce::Suppressed, Fault::recipient(code)),
        _ if reason == "espblock" => bounced(Bounce::Blocked, Fault::request("espblock")),
        _ if reason == "old" => bounced(Bounce::Soft, Fault::provider("old")),
        blocked if blocked.starts_with("5.7.") => bounced(Bounce::Blocked, Fault::request(code)),
        // The mailbox is full.
        "552" | "5.2.2" | "4.2.2" => bounced(Bounce::Soft, Fault::provider(code)),
        "550" | "551" | "553" => bounced(Bounce::Hard, Fault::recipient(code)),
        dead if dead.starts_with("5.1.") || dead == "5.2.1" => {
            bounced(Bounce::Hard, Fault::recipient(code))
        }
        _ if reason == "bounce" => bounced(Bounce::Hard, Fault::recipient(code)),
        _ => (Kind::Failed, Some(Fault::provider(code))),
    }
}

impl fmt::Debug for MailgunWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailgunWebhook")
            .field("provider", &self.provider)
            .field("keys", &self.keys.len())
            .field("window", &self.window)
            .finish()
    }
}
