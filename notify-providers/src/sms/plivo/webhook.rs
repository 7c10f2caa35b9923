//! Plivo's reports and incoming messages: <https://www.plivo.com/docs/messaging/concepts/signature-validation>.

use notify_core::ProviderName;
use notify_core::provider::{
    Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::secret::SecretString;
use serde_json::Value;
use std::fmt;

use super::fault;
use crate::signature::plivo::verify_v3;
use crate::sms::callback::{delivery, fields, number};
use crate::sms::opt_out::answered;
use crate::webhook::{any_secret, form, object, text};

const SIGNATURE: &str = "X-Plivo-Signature-V3";
const NONCE: &str = "X-Plivo-Signature-V3-Nonce";

/// Reads Plivo's reports and incoming messages, by `GET` or `POST`.
///
/// Plivo signs the URL as it calls it, the form and a nonce with the account's auth token (version 3, HMAC-SHA256).
/// [`WebhookRequest::url`] must be that URL. The older version 2 covers neither query nor form, and is not looked at. No time is
/// signed: a request may be repeated, and is told apart by [`ProviderEvent::event_id`], the message and its status. Each segment is
/// reported by itself; [`ProviderEvent::message_id`] is that of the first one, as in the receipt.
///
/// | status | kind |
/// |---|---|
/// | `queued`, `sent` | accepted |
/// | `delivered`, `read` | delivered, opened |
/// | `undelivered`, `failed`, `rejected` | by `ErrorCode`: bounced hard for a dead number, soft for a phone that is off, blocked for a filter, suppressed after `STOP`; else failed |
/// | an incoming message | replied; unsubscribed by `STOP` and its like, resubscribed by `START` |
///
/// ```
/// use notify_providers::sms::plivo::PlivoWebhook;
///
/// let parser = PlivoWebhook::new("plivo", "the account's auth token");
/// ```
#[derive(Clone)]
pub struct PlivoWebhook {
    provider: ProviderName,
    tokens: Vec<SecretString>,
}

impl PlivoWebhook {
    /// For the provider of this name, with the auth token of its account.
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

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let header = |name| request.header(name).ok_or(WebhookError::Unauthorized);
        let (signatures, nonce) = (header(SIGNATURE)?, header(NONCE)?);
        // What is in the URL of a GET is signed with it.
        let fields = match request.method {
            "GET" => Vec::new(),
            _ => form(request.body),
        };
        any_secret(&self.tokens, |token| {
            verify_v3(token, request.url, &fields, nonce, signatures)
        })
    }
}

impl WebhookParser for PlivoWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let raw = object(&fields(request));
        let (kind, fault) = kind(&raw);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, request.received_at);
        event.fault = fault;
        let status = text(&raw, "Status");
        let id = text(&raw, "MessageUUID");
        event.event_id = id.map(|id| format!("{id}:{}", status.unwrap_or("inbound")));
        event.message_id = text(&raw, "ParentMessageUUID").or(id).map(str::to_owned);
        let person = if status.is_some() { "To" } else { "From" };
        event.address = text(&raw, person).and_then(number);
        event.delivery = delivery(request);
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

/// What happened, and whose fault it was.
fn kind(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    if let Some(status) = text(raw, "Status") {
        return fault::report(status, text(raw, "ErrorCode"));
    }
    match raw.get("Text").and_then(Value::as_str) {
        Some(body) => (answered(body), None),
        None => (ProviderEventKind::unknown("report"), None),
    }
}

impl fmt::Debug for PlivoWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlivoWebhook")
            .field("provider", &self.provider)
            .field("tokens", &self.tokens.len())
            .finish()
    }
}
