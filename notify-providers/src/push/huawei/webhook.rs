//! Huawei's receipts:
//! <https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-receipt-api-0000001051066120>.

use notify_core::clock::Timestamp;
use notify_core::provider::{
    Bounce, Fault, Parsed, ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser,
    WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, ProviderName};
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

use crate::signature::encoding::{sha256_hex, unbase64};
use crate::signature::hmac::{Hash, verify};
use crate::webhook::{WINDOW, any_secret, text};

const SIGNATURE: &str = "X-HUAWEI-CALLBACK-ID";

/// Reads the receipts of Huawei's Push Kit, of both versions: what became of a message on the device.
///
/// They are switched on in Huawei's console with an address, a user name and a key. Huawei signs a time, a number and the user name with
/// the key (HMAC-SHA256), **and not the body**: who reads one request on its way can send another body for five minutes. Events find
/// their delivery by `biTag`; messages that shared a call have none, and their events have the token and nothing else.
///
/// | status | kind |
/// |---|---|
/// | 0 | delivered |
/// | 2, the application is not installed | bounced, hard |
/// | 5, 6, 10, 201: another user's token, switched off, device away for 30 days, held back | bounced, soft |
/// | 15, replaced by a newer one; 102, too many for this device | failed |
/// | 27, kept on the device | accepted |
///
/// ```
/// use notify_providers::push::huawei::HuaweiWebhook;
///
/// let parser = HuaweiWebhook::new("huawei", "the callback's user name", "its key");
/// ```
#[derive(Clone)]
pub struct HuaweiWebhook {
    provider: ProviderName,
    user: String,
    keys: Vec<SecretString>,
    window: Duration,
}

impl HuaweiWebhook {
    /// For the provider of this name, with the user name and the key of the callback.
    #[must_use]
    pub fn new(
        provider: impl Into<ProviderName>,
        user: impl Into<String>,
        key: impl Into<SecretString>,
    ) -> Self {
        Self {
            provider: provider.into(),
            user: user.into(),
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

    /// How long before or after it was signed a request may come. Default: 5 minutes.
    #[must_use]
    pub const fn max_age(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Checks the header: `timestamp=…; nonce=…; value=…`.
    fn verify(&self, request: &WebhookRequest<'_>) -> Result<(), WebhookError> {
        let unauthorized = WebhookError::Unauthorized;
        let header = request.header(SIGNATURE).ok_or(unauthorized.clone())?;
        let part = |name: &str| {
            let pairs = header
                .split(';')
                .filter_map(|pair| pair.trim().split_once('='));
            let mut same = pairs.filter(|(other, _)| *other == name);
            let value = same.next().map(|(_, value)| value);
            value.filter(|_| same.next().is_none())
        };
        let (Some(timestamp), Some(nonce), Some(value)) =
            (part("timestamp"), part("nonce"), part("value"))
        else {
            return Err(unauthorized);
        };
        let signature = unbase64(value).ok_or(unauthorized.clone())?;
        let signed = format!("{timestamp}{nonce}{}", self.user);
        any_secret(&self.keys, |key| {
            verify(Hash::Sha256, key, &[signed.as_bytes()], &signature)
        })?;
        let signed_at = timestamp.parse().map(millis).map_err(|_| unauthorized)?;
        request.check_fresh(signed_at, self.window)
    }

    fn event(&self, raw: &Value, received_at: Timestamp) -> ProviderEvent {
        // Version 2 has its own object for it; its messages of cards have another one.
        let parts = ["deliveryStatus", "formStatus"];
        let inner = parts.into_iter().find_map(|name| raw.get(name));
        let number = |name| inner.unwrap_or(raw).get(name).and_then(Value::as_i64);
        let status = number("status").or_else(|| number("result"));
        let status = status.map_or_else(String::new, |status| status.to_string());
        let (kind, fault) = kind(&status);
        let at = number("timestamp").map_or(received_at, millis);
        let mut event = ProviderEvent::new(self.provider.clone(), kind, at);
        event.fault = fault;
        event.message_id = text(raw, "requestId").map(str::to_owned);
        event.delivery = text(raw, "biTag").and_then(|tag| tag.parse().ok());
        let token = text(raw, "token");
        event.address = token.map(Address::device);
        if let (Some(id), Some(token)) = (&event.message_id, token) {
            // A call has several tokens, and none of them may be seen.
            event.event_id = Some(sha256_hex(format!("{id}:{token}:{status}").as_bytes()));
        }
        event.with_raw(raw.clone())
    }
}

impl WebhookParser for HuaweiWebhook {
    fn parse(&self, request: &WebhookRequest<'_>) -> Result<Parsed, WebhookError> {
        self.verify(request)?;
        let body = crate::webhook::json(request.body)?;
        let statuses = body.get("statuses").and_then(Value::as_array);
        let statuses = statuses.ok_or_else(|| WebhookError::malformed("there are no statuses"))?;
        let events = statuses.iter();
        let events = events.map(|raw| self.event(raw, request.received_at));
        // What Huawei wants to hear.
        let reply = Reply::json(&json!({ "errno": "0", "errmsg": "success" }));
        Ok(Parsed::new(events.collect()).with_reply(reply))
    }
}

/// Milliseconds since 1970.
fn millis(millis: i64) -> Timestamp {
    Timestamp::from_micros(millis.saturating_mul(1_000))
}

/// What happened, and whose fault it was.
fn kind(status: &str) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let code = || format!("status_{status}");
    match status {
        "0" => (Kind::Delivered, None),
        "2" => (Kind::bounced(Bounce::Hard), Some(Fault::recipient(code()))),
        "5" | "6" | "10" | "201" => (Kind::bounced(Bounce::Soft), Some(Fault::recipient(code()))),
        "15" => (Kind::Failed, Some(Fault::request(code()))),
        "102" => (Kind::Failed, Some(Fault::provider(code()))),
        "27" => (Kind::Accepted, None),
        _ => (Kind::unknown(code()), None),
    }
}

impl fmt::Debug for HuaweiWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HuaweiWebhook")
            .field("provider", &self.provider)
            .field("keys", &self.keys.len())
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}
