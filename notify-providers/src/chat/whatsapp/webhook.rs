//! WhatsApp's webhooks: <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Fault, Parsed, ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::secret::{ExposeSecret as _, SecretString};
use notify_core::{Address, ProviderName};
use serde_json::Value;
use std::fmt;

use super::{SCHEME, fault};
use crate::signature::hmac::is_same;
use crate::signature::meta;
use crate::webhook::{any_secret, form, json, text};

const SIGNATURE: &str = "X-Hub-Signature-256";

/// The words by which people end messages, and begin them again, as with text messages.
const STOP: &[&str] = &[
    "CANCEL",
    "END",
    "OPTOUT",
    "QUIT",
    "STOP",
    "STOP PROMOTIONS",
    "STOPALL",
    "UNSUBSCRIBE",
    "СТОП",
];
const START: &[&str] = &["START", "UNSTOP", "СТАРТ"];

/// Reads WhatsApp's statuses and what people answer.
///
/// The signature is HMAC-SHA-256 with the app's secret, over the raw body. No time is signed: a request may be repeated, and is told
/// apart by [`ProviderEvent::event_id`]. When a webhook is set up Meta asks by GET, with a token of the application's choice, and is
/// answered by its challenge.
///
/// | of the request | kind |
/// |---|---|
/// | status `sent`, `delivered`, `read` or `played` | accepted, delivered, opened |
/// | status `failed` | by its code: bounced, hard, for a number without WhatsApp; suppressed for who wants no marketing; else failed |
/// | message: a button, or a choice of a list | clicked; unsubscribed if the button says so, such as `Stop promotions` |
/// | message: `STOP` or `START` and their like | unsubscribed, resubscribed |
/// | any other message of a person | replied |
/// | `user_preferences`: `stop` or `resume` | unsubscribed, resubscribed |
/// | all other fields and statuses | unknown, under Meta's name |
///
/// ```
/// use notify_providers::chat::whatsapp::WhatsAppWebhook;
///
/// let parser = WhatsAppWebhook::new("whatsapp", "the app's secret", "the token of the set-up");
/// ```
#[derive(Clone)]
pub struct WhatsAppWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
    verify_token: SecretString,
}

impl WhatsAppWebhook {
    /// For the provider of this name, with the secret of the app and the token that the webhook was set up with.
    #[must_use]
    pub fn new(
        provider: impl Into<ProviderName>,
        app_secret: impl Into<SecretString>,
        verify_token: impl Into<SecretString>,
    ) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![app_secret.into()],
            verify_token: verify_token.into(),
        }
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, app_secret: impl Into<SecretString>) -> Self {
        self.secrets.push(app_secret.into());
        self
    }

    /// Meta's question when the webhook is set up.
    fn challenge(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let query = form(request.query().as_bytes());
        let of = |name: &str| {
            let mut pairs = query.iter().filter(|(other, _)| other == name);
            pairs.next().map(|(_, value)| value.as_str())
        };
        let expected = self.verify_token.expose_secret().as_bytes();
        let given = of("hub.verify_token").unwrap_or_default().as_bytes();
        let is_ours = !expected.is_empty() && is_same(expected, given);
        if !is_ours || of("hub.mode") != Some("subscribe") {
            return Err(WebhookError::Unauthorized);
        }
        let challenge = of("hub.challenge").unwrap_or_default();
        Ok(Parsed::ping().with_reply(Reply::text(challenge)))
    }

    /// One change, which holds statuses, messages, or something else.
    fn change(&self, change: &Value, received_at: Timestamp) -> Vec<ProviderEvent> {
        let field = text(change, "field").unwrap_or_default();
        let list = |name: &str| {
            let list = change.get("value").and_then(|value| value.get(name));
            let items = list.and_then(Value::as_array).cloned();
            items.unwrap_or_default()
        };
        let mut events = Vec::new();
        for status in list("statuses") {
            events.push(self.status(status, received_at));
        }
        for message in list("messages") {
            events.push(self.message(message, received_at));
        }
        for preference in list("user_preferences") {
            events.push(self.preference(preference, received_at));
        }
        if events.is_empty() {
            let kind = ProviderEventKind::unknown(field);
            let event = ProviderEvent::new(self.provider.clone(), kind, received_at);
            events.push(event.with_raw(change.clone()));
        }
        events
    }

    fn status(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let status = text(&raw, "status").unwrap_or_default();
        let (kind, fault) = status_kind(status, &raw);
        let id = text(&raw, "id");
        let mut event = self.event(kind, &raw, "recipient_id", received_at);
        event.fault = fault;
        event.event_id = id.map(|id| format!("{id}:{status}"));
        event.message_id = id.map(str::to_owned);
        event.delivery = text(&raw, "biz_opaque_callback_data").and_then(|data| data.parse().ok());
        event.with_raw(raw)
    }

    fn message(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let mut event = self.event(answered(&raw), &raw, "from", received_at);
        event.event_id = text(&raw, "id").map(str::to_owned);
        let about = raw.get("context").and_then(|context| text(context, "id"));
        event.message_id = about.map(str::to_owned);
        event.with_raw(raw)
    }

    fn preference(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let kind = match text(&raw, "value") {
            Some("stop") => ProviderEventKind::Unsubscribed,
            Some("resume") => ProviderEventKind::Resubscribed,
            _ => ProviderEventKind::unknown("user_preferences"),
        };
        let event = self.event(kind, &raw, "wa_id", received_at);
        event.with_raw(raw)
    }

    /// About the person whose number stands in the field `person`.
    fn event(
        &self,
        kind: ProviderEventKind,
        raw: &Value,
        person: &str,
        received_at: Timestamp,
    ) -> ProviderEvent {
        let at = raw.get("timestamp").and_then(seconds);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at.unwrap_or(received_at));
        let number = text(raw, person).map(|digits| format!("+{digits}"));
        let number = number.filter(|number| Address::phone(number.as_str()).validate().is_ok());
        event.address = number.map(|number| Address::new(SCHEME, number));
        event
    }
}

impl WebhookParser for WhatsAppWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        if request.method == "GET" {
            return self.challenge(request);
        }
        let signature = request.header(SIGNATURE);
        let signature = signature.ok_or(WebhookError::Unauthorized)?;
        any_secret(&self.secrets, |secret| {
            meta::verify(secret, signature, request.body)
        })?;
        let raw = json(request.body)?;
        let entries = raw.get("entry").and_then(Value::as_array);
        let entries = entries.ok_or(WebhookError::malformed("the body has no entries"))?;
        let changes = entries
            .iter()
            .filter_map(|entry| entry.get("changes")?.as_array())
            .flatten();
        let events = changes.flat_map(|change| self.change(change, request.received_at));
        Ok(Parsed::new(events.collect()))
    }
}

/// What became of a message, and whose fault it was.
fn status_kind(status: &str, raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match status {
        "sent" => (Kind::Accepted, None),
        "delivered" => (Kind::Delivered, None),
        "read" | "played" => (Kind::Opened, None),
        "failed" => {
            let code = raw
                .get("errors")
                .and_then(|errors| errors.get(0)?.get("code")?.as_u64());
            let fault = code.map_or_else(|| Fault::request("failed"), fault::of_code);
            (fault::came_back(&fault), Some(fault))
        }
        other => (Kind::unknown(other), None),
    }
}

/// What a person wants by a message.
fn answered(raw: &Value) -> ProviderEventKind {
    let of = |object: &str, field: &str| text(raw.get(object)?, field);
    let word = |said: Option<&str>| said.unwrap_or_default().trim().to_uppercase();
    let kind = text(raw, "type").unwrap_or_default();
    let (said, otherwise) = match kind {
        "button" => (word(of("button", "text")), ProviderEventKind::clicked(None)),
        "interactive" => (String::new(), ProviderEventKind::clicked(None)),
        "text" => (word(of("text", "body")), ProviderEventKind::Replied),
        // Such as that the person has another number now.
        "system" | "unsupported" | "unknown" => return ProviderEventKind::unknown(kind),
        _ => return ProviderEventKind::Replied,
    };
    if STOP.contains(&said.as_str()) {
        ProviderEventKind::Unsubscribed
    } else if START.contains(&said.as_str()) {
        ProviderEventKind::Resubscribed
    } else {
        otherwise
    }
}

/// Seconds since 1970, which Meta writes as text or as a number.
fn seconds(value: &Value) -> Option<Timestamp> {
    let seconds = match value {
        Value::String(text) => text.parse().ok()?,
        other => other.as_i64()?,
    };
    Some(Timestamp::from_micros(i64::saturating_mul(
        seconds, 1_000_000,
    )))
}

impl fmt::Debug for WhatsAppWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WhatsAppWebhook")
            .field("provider", &self.provider)
            .field("secrets", &self.secrets.len())
            .finish_non_exhaustive()
    }
}
