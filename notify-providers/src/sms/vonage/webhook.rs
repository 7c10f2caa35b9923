//! Vonage's delivery receipts and incoming messages: <https://developer.vonage.com/en/getting-started/concepts/signing-messages>,
//! <https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks>.

use notify_core::ProviderName;
use notify_core::provider::{
    Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::secret::SecretString;
use serde_json::Value;
use std::fmt;

use super::VonageSignature;
use super::fault;
use crate::signature::vonage;
use crate::sms::callback::{date, fields, is_json, number, word};
use crate::sms::opt_out::answered;
use crate::webhook::{WINDOW, any_secret, json, object, text};

/// Reads the delivery receipts and incoming messages of Vonage: those of the SMS API, by `GET`, form or JSON, and those of the
/// Messages API.
///
/// They are signed with the account's signature secret. With the header `Authorization: Bearer`, the token there (HS256) is looked
/// at, and the hash of the body where it holds one; else `sig` among the parameters, by the method of the account's settings,
/// [`VonageSignature::Sha256`] if nothing is said. Both sign a time, which is believed for 5 minutes. SMS receipts are not
/// signed unless the account is set so: ask Vonage's support.
///
/// | status | kind |
/// |---|---|
/// | `accepted`, `buffered`, `submitted` | accepted |
/// | `delivered`, `read` | delivered, opened |
/// | `expired` | failed |
/// | `failed`, `rejected`, `undeliverable` | by the code: bounced hard for a dead number, soft for a phone that is off, blocked for a filter, suppressed if the subscriber bars messages; else failed |
/// | an incoming message | replied; unsubscribed by `STOP` and its like, resubscribed by `START` |
///
/// ```
/// use notify_providers::sms::vonage::{VonageSignature, VonageWebhook};
///
/// let parser = VonageWebhook::new("vonage", "signature secret").with_method(VonageSignature::Sha512);
/// ```
#[derive(Clone)]
pub struct VonageWebhook {
    provider: ProviderName,
    secrets: Vec<SecretString>,
    method: VonageSignature,
}

impl VonageWebhook {
    /// For the provider of this name, with the signature secret of its account, which is not the API secret.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, secret: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            secrets: vec![secret.into()],
            method: VonageSignature::Sha256,
        }
    }

    /// How parameters are signed, by the account's settings. Tokens are always signed by SHA-256.
    #[must_use]
    pub const fn with_method(mut self, method: VonageSignature) -> Self {
        self.method = method;
        self
    }

    /// Also takes this secret, while one is replaced by another.
    #[must_use]
    pub fn or_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    fn verified(&self, request: &WebhookRequest<'_>) -> Result<Value, WebhookError> {
        let now = request.received_at;
        let by_json = request.method != "GET" && is_json(request);
        if let Some(token) = bearer(request) {
            any_secret(&self.secrets, |secret| {
                vonage::verify_webhook(secret, token, request.body, now, WINDOW).map(|_| ())
            })?;
            return match by_json {
                true => json(request.body),
                false => Ok(object(&fields(request))),
            };
        }
        let fields = if by_json {
            let body = json(request.body).map_err(|_| WebhookError::Unauthorized)?;
            pairs(&body)
        } else {
            fields(request)
        };
        let hash = self.method.hash();
        any_secret(&self.secrets, |secret| {
            vonage::verify(secret, hash, &fields, now, WINDOW)
        })?;
        Ok(object(&fields))
    }
}

/// The token of the only `Authorization`, if it is one.
fn bearer<'a>(request: &WebhookRequest<'a>) -> Option<&'a str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The parameters of a body of JSON.
fn pairs(body: &Value) -> Vec<(String, String)> {
    let Some(object) = body.as_object() else {
        return Vec::new();
    };
    let pairs = object.iter().map(|(name, value)| {
        let text = value.as_str().map(str::to_owned);
        (name.clone(), text.unwrap_or_else(|| value.to_string()))
    });
    pairs.collect()
}

impl WebhookParser for VonageWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let raw = self.verified(request)?;
        let first = |names: &[&str]| names.iter().find_map(|name| word(&raw, name));
        let (kind, fault) = kind(&raw);
        let at = first(&["message-timestamp", "timestamp"]);
        let at = at.and_then(|text| date(&text));
        let at = at.unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        event.message_id = first(&["messageId", "message_uuid"]);
        let status = first(&["status"]);
        if let Some(id) = &event.message_id {
            let status = status.as_deref().unwrap_or("inbound");
            event.event_id = Some(format!("{id}:{status}"));
        }
        // Of a receipt of the SMS API, `to` is the sender; of an incoming message, in both, it is ours.
        let person = match (first(&["msisdn"]), status) {
            (Some(person), _) => Some(person),
            (None, Some(_)) => first(&["to"]),
            (None, None) => first(&["from"]),
        };
        event.address = person.as_deref().and_then(number);
        let reference = first(&["client-ref", "client_ref"]);
        event.delivery = reference.and_then(|id| id.parse().ok());
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

/// What happened, and whose fault it was.
fn kind(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    if let Some(status) = text(raw, "status") {
        let title = raw.get("error").and_then(|error| word(error, "title"));
        let code = word(raw, "err-code").or(title);
        return fault::report(status, code.as_deref());
    }
    match raw.get("text").and_then(Value::as_str) {
        Some(body) => (answered(body), None),
        None => (ProviderEventKind::unknown("report"), None),
    }
}

impl fmt::Debug for VonageWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VonageWebhook")
            .field("provider", &self.provider)
            .field("method", &self.method)
            .field("secrets", &self.secrets.len())
            .finish()
    }
}
