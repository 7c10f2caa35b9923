//! MessageBird's reports and incoming messages: <https://developers.messagebird.com/api/#verifying-http-requests>.

use notify_core::ProviderName;
use notify_core::provider::{
    Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use notify_core::secret::SecretString;
use serde_json::Value;
use std::fmt;

use super::fault;
use crate::signature::message_bird::verify;
use crate::sms::batch::part_id;
use crate::sms::callback::{date, number, report, word};
use crate::sms::opt_out::answered;
use crate::webhook::{any_secret, text};

const SIGNATURE: &str = "MessageBird-Signature-JWT";

/// Reads MessageBird's reports and incoming messages, by `GET` or `POST`.
///
/// The header `MessageBird-Signature-JWT` is a token (HS256, HS384 or HS512) made with the account's signing key, which is not the
/// access key. It holds hashes of the URL and of the body, and lives for a minute. [`WebhookRequest::url`] must be the URL as
/// MessageBird calls it.
///
/// | status | kind |
/// |---|---|
/// | `scheduled`, `sent`, `buffered` | accepted |
/// | `delivered` | delivered |
/// | `expired` | failed |
/// | `delivery_failed` | by `statusErrorCode`: bounced hard for a dead number, soft for a phone that is off, suppressed after `STOP`; else failed |
/// | an incoming message | replied; unsubscribed by `STOP` and its like, resubscribed by `START` |
///
/// ```
/// use notify_providers::sms::message_bird::MessageBirdWebhook;
///
/// let parser = MessageBirdWebhook::new("message_bird", "the account's signing key");
/// ```
#[derive(Clone)]
pub struct MessageBirdWebhook {
    provider: ProviderName,
    keys: Vec<SecretString>,
}

impl MessageBirdWebhook {
    /// For the provider of this name, with the signing key of its account.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, signing_key: impl Into<SecretString>) -> Self {
        Self {
            provider: provider.into(),
            keys: vec![signing_key.into()],
        }
    }

    /// Also takes this key, while one is replaced by another.
    #[must_use]
    pub fn or_key(mut self, signing_key: impl Into<SecretString>) -> Self {
        self.keys.push(signing_key.into());
        self
    }

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let token = request.header(SIGNATURE);
        let token = token.ok_or(WebhookError::Unauthorized)?;
        any_secret(&self.keys, |key| {
            verify(key, token, request.url, request.body, request.received_at).map(drop)
        })
    }
}

impl WebhookParser for MessageBirdWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let raw = report(request)?;
        let (kind, fault) = kind(&raw);
        let first = |names: &[&str]| names.iter().find_map(|name| word(&raw, name));
        let at = first(&["statusDatetime", "createdDatetime"]);
        let at = at.and_then(|text| date(&text));
        let at = at.unwrap_or(request.received_at);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        let (id, status) = (first(&["id"]), first(&["status"]));
        if let Some(status) = status {
            let person = first(&["recipient"]).unwrap_or_default();
            event.address = number(&person);
            let id = id.map(|id| part_id(&id, &person));
            event.event_id = id.as_ref().map(|id| format!("{id}:{status}"));
            event.message_id = id;
            event.delivery = first(&["reference"]).and_then(|id| id.parse().ok());
        } else {
            event.address = first(&["originator"]).as_deref().and_then(number);
            event.event_id = id.map(|id| format!("{id}:inbound"));
        }
        Ok(Parsed::new(vec![event.with_raw(raw)]))
    }
}

/// What happened, and whose fault it was.
fn kind(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    if let Some(status) = text(raw, "status") {
        return fault::report(status, word(raw, "statusErrorCode").as_deref());
    }
    let body = ["body", "message", "payload"];
    let body = body.iter().find_map(|name| raw.get(*name)?.as_str());
    match body {
        Some(body) => (answered(body), None),
        None => (ProviderEventKind::unknown("report"), None),
    }
}

impl fmt::Debug for MessageBirdWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBirdWebhook")
            .field("provider", &self.provider)
            .field("keys", &self.keys.len())
            .finish()
    }
}
