//! SendGrid's event webhook: <https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event>.

use aws_lc_rs::signature::ParsedPublicKey;
use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::{Address, Error, ErrorKind, ProviderName, Result};
use serde_json::Value;
use std::fmt;
use std::time::Duration;

use crate::http::metadata;
use crate::signature::sendgrid;
use crate::webhook::{WINDOW, any_of, json, text};

const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
const TIMESTAMP: &str = "X-Twilio-Email-Event-Webhook-Timestamp";

/// Reads SendGrid's signed event webhook.
///
/// The account's "signed event webhook" must be on: what is not signed is refused. The signature is ECDSA on P-256 with SHA-256, over
/// the timestamp and the raw body.
///
/// | event | kind |
/// |---|---|
/// | `processed` | accepted |
/// | `delivered`, `deferred`, `open`, `click` | of the same name |
/// | `bounce` | bounced, hard; `blocked` if its type says so |
/// | `dropped` | bounced, suppressed, if the address is on a list of the vendor's; else failed |
/// | `spamreport` | complained |
/// | `unsubscribe`, `group_unsubscribe`, `group_resubscribe` | unsubscribed, resubscribed |
///
/// ```
/// use notify_providers::email::sendgrid::SendGridWebhook;
///
/// // From the account's settings; this one is from SendGrid's own tests.
/// let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
/// let parser = SendGridWebhook::new("sendgrid", key)?;
/// # Ok::<(), notify_core::Error>(())
/// ```
#[derive(Clone)]
pub struct SendGridWebhook {
    provider: ProviderName,
    keys: Vec<ParsedPublicKey>,
    window: Duration,
}

impl SendGridWebhook {
    /// For the provider of this name, with the verification key of the account's settings (base64).
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is no such key.
    pub fn new(provider: impl Into<ProviderName>, key: &str) -> Result<Self> {
        let parser = Self {
            provider: provider.into(),
            keys: Vec::new(),
            window: WINDOW,
        };
        parser.or_key(key)
    }

    /// Also takes this key, while one is replaced by another.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] if it is no such key.
    pub fn or_key(mut self, key: &str) -> Result<Self> {
        let key = sendgrid::key(key).ok_or_else(|| {
            let why = "the verification key of sendgrid is not a public key on P-256 in base64";
            Error::new(ErrorKind::Config, why)
        })?;
        self.keys.push(key);
        Ok(self)
    }

    /// How long before or after its signature a request may come. Default: 5 minutes; the vendor defines none.
    #[must_use]
    pub const fn max_age(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let header = |name| request.header(name).ok_or(WebhookError::Unauthorized);
        let (signature, timestamp) = (header(SIGNATURE)?, header(TIMESTAMP)?);
        let (body, now) = (request.body, request.received_at);
        any_of(&self.keys, |key| {
            sendgrid::verify(key, timestamp, signature, body, now, self.window)
        })
    }
}

impl WebhookParser for SendGridWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let Value::Array(events) = json(request.body)? else {
            return Err(WebhookError::malformed("the body is not a list of events"));
        };
        if events.is_empty() {
            return Ok(Parsed::ping());
        }
        let events = events
            .into_iter()
            .map(|event| self.event(event, request.received_at));
        Ok(Parsed::new(events.collect()))
    }
}

impl SendGridWebhook {
    fn event(&self, raw: Value, received_at: Timestamp) -> ProviderEvent {
        let (kind, fault) = kind(&raw);
        let seconds = raw.get("timestamp").and_then(Value::as_i64);
        let at = seconds.map_or(received_at, |seconds| {
            Timestamp::from_micros(seconds.saturating_mul(1_000_000))
        });
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        event.event_id = text(&raw, "sg_event_id").map(str::to_owned);
        // `X-Message-Id` of the answer, and behind the first dot the way through the vendor's servers.
        let id = text(&raw, "sg_message_id").and_then(|id| id.split('.').next());
        event.message_id = id.map(str::to_owned);
        event.address = text(&raw, "email").map(Address::email);
        event.delivery = metadata::delivery(&raw);
        event.with_raw(raw)
    }
}

/// What happened, and whose fault it was.
fn kind(raw: &Value) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let code = |other: &'static str| match text(raw, "status") {
        Some(status) if is_status(status) => status.to_owned(),
        _ => other.to_owned(),
    };
    let name = text(raw, "event").unwrap_or_default();
    match name {
        "processed" => (Kind::Accepted, None),
        "delivered" => (Kind::Delivered, None),
        "deferred" => (Kind::Deferred, Some(Fault::provider(code("deferred")))),
        "bounce" if text(raw, "type") == Some("blocked") => (
            Kind::bounced(Bounce::Blocked),
            Some(Fault::request(code("blocked"))),
        ),
        "bounce" => (
            Kind::bounced(Bounce::Hard),
            Some(Fault::recipient(code("bounce"))),
        ),
        "dropped" => dropped(text(raw, "reason").unwrap_or_default()),
        "open" => (Kind::Opened, None),
        "click" => (Kind::clicked(text(raw, "url").map(str::to_owned)), None),
        "spamreport" => (Kind::Complained, None),
        "unsubscribe" | "group_unsubscribe" => (Kind::Unsubscribed, None),
        "group_resubscribe" => (Kind::Resubscribed, None),
        other => (Kind::unknown(other), None),
    }
}

/// Why the vendor did not try.
fn dropped(reason: &str) -> (ProviderEventKind, Option<Fault>) {
    let suppressed = ProviderEventKind::bounced(Bounce::Suppressed);
    match reason {
        "Bounced Address" => (suppressed, Some(Fault::recipient("bounced_address"))),
        "Spam Reporting Address" => (suppressed, Some(Fault::recipient("spam_reporting_address"))),
        "Unsubscribed Address" => (suppressed, Some(Fault::recipient("unsubscribed_address"))),
        "Invalid" => (
            ProviderEventKind::bounced(Bounce::Hard),
            Some(Fault::recipient("invalid")),
        ),
        _ => (ProviderEventKind::Failed, Some(Fault::request("dropped"))),
    }
}

/// A status of RFC 3463, such as `5.1.1`.
fn is_status(text: &str) -> bool {
    (5..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

impl fmt::Debug for SendGridWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendGridWebhook")
            .field("provider", &self.provider)
            .field("keys", &self.keys.len())
            .field("window", &self.window)
            .finish()
    }
}
