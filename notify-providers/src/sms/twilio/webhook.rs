//! Twilio's status callbacks and incoming messages: <https://www.twilio.com/docs/usage/webhooks/webhooks-security>.

use aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
use notify_core::provider::{
    Bounce, Fault, FaultKind, Parsed, ProviderEvent, ProviderEventKind, WebhookError,
    WebhookParser, WebhookRequest,
};
use notify_core::secret::SecretString;
use notify_core::{Address, DeliveryId, ProviderName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::fault;
use crate::http::metadata;
use crate::webhook::{check_hmac, form, from_base64, from_hex, json, object, same, sha256, text};

const SIGNATURE: &str = "X-Twilio-Signature";
/// The parameter of the URL that holds the hash of a body that is not a form.
const BODY_HASH: &str = "bodySHA256";

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
        let signature = request.header(SIGNATURE).and_then(from_base64);
        let signature = signature.ok_or(WebhookError::Unauthorized)?;
        let parameters = fields.map(joined).unwrap_or_default();
        // Whether the default port is part of the URL depends on who looks at it.
        let signed = with_and_without_port(request.url).into_iter().any(|url| {
            let signed = format!("{url}{parameters}");
            let algorithm = HMAC_SHA1_FOR_LEGACY_USE_ONLY;
            check_hmac(algorithm, &self.tokens, signed.as_bytes(), &signature).is_ok()
        });
        if !signed {
            return Err(WebhookError::Unauthorized);
        }
        if fields.is_none() && !request.body.is_empty() {
            let query = form(request.query().as_bytes());
            let hash = query.iter().find(|(name, _)| name == BODY_HASH);
            let hash = hash.and_then(|(_, hash)| from_hex(hash));
            if !hash.is_some_and(|hash| same(&hash, sha256(request.body).as_ref())) {
                return Err(WebhookError::Unauthorized);
            }
        }
        Ok(())
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

/// The parameters as they are signed: sorted by name, of each name its different values, sorted, nothing in between.
fn joined(fields: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in fields {
        sorted.entry(name).or_default().insert(value);
    }
    let mut joined = String::new();
    for (name, values) in sorted {
        for value in values {
            joined.push_str(name);
            joined.push_str(value);
        }
    }
    joined
}

/// The URL as it is, and with or without the default port.
fn with_and_without_port(url: &str) -> Vec<String> {
    let mut urls = vec![url.to_owned()];
    let Some((scheme, rest)) = url.split_once("://") else {
        return urls;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rfind(['@', ']']).map_or(0, |at| at + 1);
    match authority[host..].find(':') {
        Some(colon) => {
            let bare = &authority[..host + colon];
            urls.push(format!("{scheme}://{bare}{path}"));
        }
        None => {
            let port = if scheme.eq_ignore_ascii_case("https") {
                443
            } else {
                80
            };
            urls.push(format!("{scheme}://{authority}:{port}{path}"));
        }
    }
    urls
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_tried_with_and_without_its_port() {
        for (url, other) in [
            ("https://a.example/b?c=d:e", "https://a.example:443/b?c=d:e"),
            ("http://a.example", "http://a.example:80"),
            ("https://a.example:8443/b", "https://a.example/b"),
            ("https://u:p@a.example/b", "https://u:p@a.example:443/b"),
            ("https://u:p@a.example:443/b", "https://u:p@a.example/b"),
            ("https://[::1]/b", "https://[::1]:443/b"),
            ("https://[::1]:443?b", "https://[::1]?b"),
        ] {
            assert_eq!(with_and_without_port(url), [url, other]);
        }
        assert_eq!(with_and_without_port("a"), ["a"]);
    }

    #[test]
    fn values_of_a_repeated_name_are_sorted_and_said_once() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [
            field("b", "2"),
            field("a", "x"),
            field("b", "1"),
            field("b", "2"),
            field("B", "0"),
        ];
        assert_eq!(joined(&fields), "B0axb1b2");
    }
}
