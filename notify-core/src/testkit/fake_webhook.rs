//! A webhook without a vendor: what a [`FakeProvider`](crate::testkit::FakeProvider) took is reported as a test says, signed.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::ProviderName;
use crate::provider::{
    Parsed, ProviderEvent, ProviderEventKind, WebhookError, WebhookParser, WebhookRequest,
};
use crate::testkit::webhook::SignedRequest;

/// How long before or after its signature a request may come.
const WINDOW: Duration = Duration::from_secs(300);

/// The webhook of a [`FakeProvider`](crate::testkit::FakeProvider): the vendor that signs what a test reports, and the parser that
/// believes nothing else.
///
/// Made by [`FakeProvider::reporting`](crate::testkit::FakeProvider::reporting), which has the provider say that it reports.
///
/// Signed by HMAC-SHA256 of `x-time` (seconds), a dot and the body, in hexadecimal in `x-signature`. The body is a list of
/// [`ProviderEvent`]s as JSON; an empty one is a ping.
///
/// ```
/// use notify_core::clock::Timestamp;
/// use notify_core::provider::ProviderEventKind;
/// use notify_core::testkit::{FakeProvider, FakeWebhook};
/// use notify_core::ChannelId;
///
/// let (_mail, vendor) = FakeProvider::new("mail", ChannelId::EMAIL).reporting("hunter2");
/// let now = Timestamp::EPOCH;
/// let request = vendor.sign(&[vendor.event(ProviderEventKind::Delivered, now).with_message_id("m-1")], now);
/// assert_eq!(request.parsed_by(&vendor, now).map(|parsed| parsed.events.len()), Ok(1));
/// assert!(request.parsed_by(&FakeWebhook::new("mail", "another"), now).is_err());
/// ```
#[derive(Clone)]
pub struct FakeWebhook {
    provider: ProviderName,
    key: Key,
}

impl FakeWebhook {
    /// The webhook of the provider with this name, signed by this secret.
    #[must_use]
    pub fn new(provider: impl Into<ProviderName>, secret: &str) -> Self {
        Self {
            provider: provider.into(),
            key: Key::new(HMAC_SHA256, secret.as_bytes()),
        }
    }

    /// Something that the vendor reports.
    #[must_use]
    pub fn event(&self, kind: ProviderEventKind, at: Timestamp) -> ProviderEvent {
        ProviderEvent::new(self.provider.clone(), kind, at)
    }

    /// The request by which the vendor reports this, signed now.
    ///
    /// # Panics
    /// Never: events are data.
    #[must_use]
    pub fn sign(&self, events: &[ProviderEvent], now: Timestamp) -> SignedRequest {
        let body = serde_json::to_vec(events).expect("events are data");
        let seconds = now.as_micros().div_euclid(1_000_000).to_string();
        let tag = sign(&self.key, &signed(&seconds, &body));
        let hex: String = tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        SignedRequest::post("https://example.com/webhooks/fake", body)
            .with_header("x-time", seconds)
            .with_header("x-signature", hex)
    }
}

fn signed(seconds: &str, body: &[u8]) -> Vec<u8> {
    [seconds.as_bytes(), b".", body].concat()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if !text.len().is_multiple_of(2) || !text.bytes().all(is_digit) {
        return None;
    }
    let digits = |place| u8::from_str_radix(text.get(place..place + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(digits).collect()
}

impl WebhookParser for FakeWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        let header = |name| request.header(name).ok_or(WebhookError::Unauthorized);
        let (seconds, signature) = (header("x-time")?, header("x-signature")?);
        let tag = from_hex(signature).ok_or(WebhookError::Unauthorized)?;
        verify(&self.key, &signed(seconds, request.body), &tag)
            .map_err(|_| WebhookError::Unauthorized)?;
        let seconds: i64 = seconds.parse().map_err(|_| WebhookError::Unauthorized)?;
        let signed_at = Timestamp::from_micros(seconds.saturating_mul(1_000_000));
        request.check_fresh(signed_at, WINDOW)?;
        let events: Vec<serde_json::Value> = serde_json::from_slice(request.body)
            .map_err(|_| WebhookError::malformed("the body is not a list of events"))?;
        if events.is_empty() {
            return Ok(Parsed::ping());
        }
        let read = |raw: serde_json::Value| self.read(raw, request.received_at);
        Ok(Parsed::new(events.into_iter().map(read).collect()))
    }
}

impl FakeWebhook {
    /// An event; what is none has a kind that nobody knows.
    fn read(&self, raw: serde_json::Value, received_at: Timestamp) -> ProviderEvent {
        let kind = raw.get("kind").and_then(serde_json::Value::as_str);
        let unknown = ProviderEventKind::unknown(kind.unwrap_or_default());
        let event = serde_json::from_value(raw.clone());
        let event: ProviderEvent = event.unwrap_or_else(|_| self.event(unknown, received_at));
        event.with_raw(raw)
    }
}

impl fmt::Debug for FakeWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeWebhook")
            .field("provider", &self.provider)
            .finish_non_exhaustive()
    }
}
