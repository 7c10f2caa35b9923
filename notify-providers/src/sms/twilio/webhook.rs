//! Twilio's status callbacks and incoming messages: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>.

use notify_core::provider::{
    Bounce, Fault, FaultKind, Parsed, ProviderEvent, ProviderEventKind, WebhookError,
    WebhookParser, WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, DeliveryId, ProviderName};
use serde_json::Value;
use std::fmt;

use super::fault;
use crate::http::metadata;
use crate::signature::twilio;
use crate::webhook::{any_secret, form, json, object, text};

const SIGNATURE: &str = "X-Twilio-Signature";

/// The words by which Twilio itself ends messages to a number, and begins them again.
const STOP: &[&str] = &[
    "CANCEL",
    "END",
    "OPTOUT",
    "QUIT",
    "REVOKE",
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
];
const START: &[&str] = &["START", "UNSTOP", "YES"];

/// Reads Twilio's status callbacks and incoming messages.
///
/// Twilio signs the URL as it calls it, with the account's auth token (HMAC-SHA1), and the parameters of a form or, by
/// `bodySHA256` in the URL, another body. [`WebhookRequest::url`] must be that URL: scheme, host, port, path and query. No time is
/// signed: a request may be repeated, and is told apart by [`ProviderEvent::event_id`], the message and its status.
///
/// | status | kind |
/// |---|---|
/// | `accepted`, `scheduled`, `queued`, `sending`, `sent` | accepted |
/// | `delivered`, `read` | delivered, opened |
/// | `undelivered`, `failed` | bounced, by `ErrorCode`: hard for a dead number, soft for a phone that is off, blocked for a filter, suppressed after `STOP`; else failed |
/// | `canceled` | failed |
/// | `received` | replied; unsubscribed by `STOP` and its like, resubscribed by `START` |
///
/// ```
/// use notify_providers::sms::twilio::TwilioWebhook;
///
/// let parser = TwilioWebhook::new("twilio", "the account's auth token");
/// ```
#[derive(Clone)]
pub struct TwilioWebhook {
    provider: ProviderName,
    tokens: Vec<SecretString>,
}

impl TwilioWebhook {
    /// For the provider of this name, with the primary auth token of its account; an API key signs nothing.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, auth_token: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            tokens: vec![auth_token.into()],
        }
    }

    /// Also takes this token, while one is replaced by another.
    #[must_use]
    pub fn or_token(mut self, auth_token: impl Into<SecretString>) -> Self {
        self.tokens.push(auth_token.into());
        self
    }

    /// Checks what was signed. `fields` are those of a form; of any other body they are `None`.
    fn verify(
        &self,
        request: &WebhookRequest<'_>,
        fields: Option<&[(String, String)]>,
    ) -> Result<(), WebhookError> {
        let (url, body) = (request.url, request.body);
        let signature = request.header(SIGNATURE);
        let signature = signature.ok_or(WebhookError::Unauthorized)?;
        any_secret(&self.tokens, |token| match fields {
            Some(fields) => twilio::verify(token, url, fields, signature),
            None if body.is_empty() => twilio::verify(token, url, &[], signature),
            None => twilio::verify_body(token, url, body, signature),
        })
    }

    fn event(&self, raw: Value, request: &WebhookRequest<'_>) -> ProviderEvent {
        let status = ["MessageStatus", "SmsStatus"]
            .into_iter()
            .find_map(|name| text(&raw, name))
            .unwrap_or_default();
        let (kind, fault) = kind(status, &raw);
        let id = ["MessageSid", "SmsSid"]
            .into_iter()
            .find_map(|name| text(&raw, name));
        let person = if matches!(status, "received" | "receiving") {
            text(&raw, "From")
        } else {
            text(&raw, "To")
        };
        let address = person.map(Address::phone);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, request.received_at);
        event.fault = fault;
        event.event_id = id.map(|id| format!("{id}:{status}"));
        event.message_id = id.map(str::to_owned);
        event.address = address.filter(|address| address.validate().is_ok());
        event.delivery = delivery(request);
        event.with_raw(raw)
    }
}

impl WebhookParser for TwilioWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        if request.method == "GET" {
            // Everything is in the URL.
            self.verify(request, Some(&[]))?;
            let fields = form(request.query().as_bytes());
            return Ok(Parsed::new(vec![self.event(object(&fields), request)]));
        }
        let content_type = request.header("content-type").unwrap_or_default();
        let is_form = content_type
            .to_ascii_lowercase()
            .starts_with("application/x-www-form-urlencoded");
        if is_form {
            let fields = form(request.body);
            self.verify(request, Some(&fields))?;
            return Ok(Parsed::new(vec![self.event(object(&fields), request)]));
        }
        self.verify(request, None)?;
        let events = match json(request.body)? {
            Value::Array(events) => events,
            event => vec![event],
        };
        let events = events.into_iter().map(|raw| self.event(raw, request));
        Ok(Parsed::new(events.collect()))
    }
}

/// The delivery that was put into the query of the callback.
fn delivery(request: &WebhookRequest<'_>) -> Option<DeliveryId> {
    let query = form(request.query().as_bytes());
    let id = query.iter().find(|(name, _)| name == metadata::DELIVERY);
    id?.1.parse().ok()
}

/// What happened, and whose fault it was.
fn kind(status: &str, raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match status {
        "accepted" | "scheduled" | "queued" | "sending" | "sent" => (Kind::Accepted, None),
        "delivered" => (Kind::Delivered, None),
        "read" => (Kind::Opened, None),
        "undelivered" | "failed" => {
            let code = text(raw, "ErrorCode").filter(|code| is_code(code));
            let fault = fault::of_code(code.unwrap_or("undelivered"));
            (came_back(&fault), Some(fault))
        }
        "canceled" => (Kind::Failed, Some(Fault::request("canceled"))),
        "received" | "receiving" => (answered(raw), None),
        other => (Kind::unknown(other), None),
    }
}

/// What a failure says about the number.
fn came_back(fault: &Fault) -> ProviderEventKind {
    match (fault.kind(), fault.code()) {
        (_, "21610") => ProviderEventKind::bounced(Bounce::Suppressed),
        (_, "30004" | "30007") => ProviderEventKind::bounced(Bounce::Blocked),
        (_, "30003") => ProviderEventKind::bounced(Bounce::Soft),
        (FaultKind::Recipient, _) => ProviderEventKind::bounced(Bounce::Hard),
        _ => ProviderEventKind::Failed,
    }
}

/// What an incoming message wants. `OptOutType` is there where the account has its own words.
fn answered(raw: &Value) -> ProviderEventKind {
    let body = text(raw, "Body").unwrap_or_default().trim();
    let word = text(raw, "OptOutType").unwrap_or(body).to_uppercase();
    if STOP.contains(&word.as_str()) {
        ProviderEventKind::Unsubscribed
    } else if START.contains(&word.as_str()) {
        ProviderEventKind::Resubscribed
    } else {
        ProviderEventKind::Replied
    }
}

fn is_code(code: &str) -> bool {
    code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Debug for TwilioWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioWebhook")
            .field("provider", &self.provider)
            .field("tokens", &self.tokens.len())
            .finish()
    }
}
