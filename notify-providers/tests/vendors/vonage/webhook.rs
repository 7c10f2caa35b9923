//! Vonage's receipts and incoming messages.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{Algorithm, HMAC_SHA256, HMAC_SHA512, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::sms::vonage::{VonageSignature, VonageWebhook};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "signature_secret";
const URL: &str = "https://example.com/hooks/vonage";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";
const WINDOW: Duration = Duration::from_secs(300);
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Parameters as the vendor signs them.
fn signed(pairs: &[(&str, &str)], algorithm: Algorithm, at: Timestamp) -> Vec<(String, String)> {
    let timestamp = (at.as_micros() / 1_000_000).to_string();
    let mut pairs: Vec<(String, String)> = pairs
        .iter()
        .chain([&("nonce", "aaaa"), &("timestamp", timestamp.as_str())])
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut sorted = pairs.clone();
    sorted.sort();
    let text: String = sorted
        .iter()
        .map(|(name, value)| format!("&{name}={}", value.replace(['&', '='], "_")))
        .collect();
    let tag = sign(&Key::new(algorithm, SECRET.as_bytes()), text.as_bytes());
    pairs.push(("sig".to_owned(), hex(tag.as_ref())));
    pairs
}

fn encoded(pairs: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn form(pairs: &[(&str, &str)], at: Timestamp) -> SignedRequest {
    SignedRequest::post(URL, encoded(&signed(pairs, HMAC_SHA256, at)))
        .with_header("Content-Type", "application/x-www-form-urlencoded")
}

fn receipt<'a>(status: &'a str, code: &'a str) -> [(&'a str, &'a str); 9] {
    [
        ("msisdn", "447700900000"),
        ("to", "Example"),
        ("network-code", "23410"),
        ("messageId", "0A1"),
        ("status", status),
        ("err-code", code),
        ("scts", "2001011400"),
        ("message-timestamp", "2026-01-01 00:00:05"),
        ("client-ref", DELIVERY),
    ]
}

/// A body as the Messages API signs it.
fn token(body: &str, at: Timestamp) -> SignedRequest {
    let claims = json!({
        "iss": "Vonage", "iat": at.as_micros() / 1_000_000, "jti": "1", "api_key": "abcd1234",
        "payload_hash": hex(digest(&SHA256, body.as_bytes()).as_ref()),
    });
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!(
        "{}.{}",
        encode(&json!({"alg": "HS256", "typ": "JWT"})),
        encode(&claims)
    );
    let tag = sign(&Key::new(HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(tag.as_ref());
    SignedRequest::post(URL, body)
        .with_header("Content-Type", "application/json")
        .with_header("Authorization", format!("Bearer {signed}.{tag}"))
}

fn status(status: &str, title: &Value) -> String {
    json!({
        "message_uuid": "aaaaaaaa-bbbb", "to": "447700900000", "from": "447700900001",
        "timestamp": "2026-01-01T00:00:00.000Z", "status": status, "channel": "sms",
        "error": {"type": "https://developer.vonage.com/api-errors/messages#1000", "title": title},
        "client_ref": DELIVERY,
    })
    .to_string()
}

struct Forms;
struct Tokens;

impl WebhookHarness for Forms {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(VonageWebhook::new("vonage", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(VonageWebhook::new("vonage", "another_secret"))
    }

    fn request(&self, sample: Sample, at: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(form(&receipt("delivered", "0"), at)),
            Sample::UnknownKind => Some(form(&receipt("moon_phase", "0"), at)),
            _ => None,
        }
    }

    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        let body = String::from_utf8(request.body).expect("a form");
        let (body, _) = body.split_once("&sig=").expect("a signature");
        request.body = body.as_bytes().to_vec();
        request
    }

    fn window(&self) -> Option<Duration> {
        Some(WINDOW)
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned(), "another_secret".to_owned()]
    }
}

impl WebhookHarness for Tokens {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Forms.parser()
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Forms.stranger()
    }

    fn request(&self, sample: Sample, at: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(token(&status("delivered", &json!(null)), at)),
            Sample::UnknownKind => Some(token(&status("moon_phase", &json!(null)), at)),
            _ => None,
        }
    }

    fn window(&self) -> Option<Duration> {
        Some(WINDOW)
    }

    fn secrets(&self) -> Vec<String> {
        Forms.secrets()
    }
}

mod forms {
    use super::*;
    notify_core::webhook_tests!(Forms);
}

mod tokens {
    use super::*;
    notify_core::webhook_tests!(Tokens);
}

fn event(request: &SignedRequest) -> ProviderEvent {
    let parsed = request.parsed_by(&*Forms.parser(), NOW);
    parsed.expect("is signed").events.remove(0)
}

#[test]
fn a_receipt_comes_as_query_form_or_json() {
    let pairs = signed(&receipt("delivered", "0"), HMAC_SHA256, NOW);
    let mut get = SignedRequest::post(format!("{URL}?{}", encoded(&pairs)), "");
    get.method = "GET".to_owned();
    let object: serde_json::Map<_, _> = pairs
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    let json = SignedRequest::post(URL, Value::from(object).to_string())
        .with_header("Content-Type", "application/json; charset=utf-8");
    for request in [form(&receipt("delivered", "0"), NOW), get, json] {
        let event = event(&request);
        assert_eq!(event.kind.as_str(), "delivered");
        assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
        assert_eq!(event.message_id.as_deref(), Some("0A1"));
        assert_eq!(event.event_id.as_deref(), Some("0A1:delivered"));
        assert_eq!(event.address, Some(Address::phone("+447700900000")));
        assert_eq!(event.at.to_string(), "2026-01-01T00:00:05Z");
    }
    let event = event(&token(&status("delivered", &json!(null)), NOW));
    assert_eq!(event.message_id.as_deref(), Some("aaaaaaaa-bbbb"));
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.address, Some(Address::phone("+447700900000")));
}

#[test]
fn the_method_is_that_of_the_accounts_settings() {
    let pairs = signed(&receipt("delivered", "0"), HMAC_SHA512, NOW);
    let request = SignedRequest::post(URL, encoded(&pairs));
    let parser = VonageWebhook::new("vonage", "new").or_secret(SECRET);
    let refused = request.parsed_by(&parser, NOW);
    assert_eq!(refused, Err(WebhookError::Unauthorized));
    let parser = parser.with_method(VonageSignature::Sha512);
    assert!(request.parsed_by(&parser, NOW).is_ok());
}

#[test]
fn a_token_of_another_algorithm_is_refused() {
    let body = status("delivered", &json!(null));
    let claims = json!({"iat": NOW.as_micros() / 1_000_000});
    let encode = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    for (alg, tag) in [("none", ""), ("HS512", "AAAA")] {
        let token = format!(
            "{}.{}.{tag}",
            encode(json!({"alg": alg})),
            encode(claims.clone())
        );
        let request = SignedRequest::post(URL, body.as_str())
            .with_header("Content-Type", "application/json")
            .with_header("Authorization", format!("Bearer {token}"));
        let refused = request.parsed_by(&*Forms.parser(), NOW);
        assert_eq!(refused, Err(WebhookError::Unauthorized), "{alg}");
    }
}

#[test]
fn a_password_of_the_url_does_not_stand_in_for_the_signature() {
    let basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    let good = form(&receipt("delivered", "0"), NOW).with_header("Authorization", basic);
    assert_eq!(event(&good).kind.as_str(), "delivered");
    let bad = Forms.unsigned(good).parsed_by(&*Forms.parser(), NOW);
    assert_eq!(bad, Err(WebhookError::Unauthorized));
}

#[test]
fn each_status_has_its_meaning() {
    for (status, code, kind, fault) in [
        ("accepted", "0", "accepted", ""),
        ("buffered", "0", "accepted", ""),
        ("delivered", "0", "delivered", ""),
        ("expired", "2", "failed", "provider fault expired"),
        ("failed", "0", "failed", "provider fault failed"),
        ("failed", "2", "bounced (Soft)", "provider fault err_2"),
        ("failed", "3", "bounced (Hard)", "recipient fault err_3"),
        (
            "failed",
            "4",
            "bounced (Suppressed)",
            "recipient fault err_4",
        ),
        ("failed", "9", "bounced (Hard)", "recipient fault err_9"),
        ("failed", "99", "failed", "provider fault err_99"),
        ("failed", "447700900000", "failed", "provider fault failed"),
        ("rejected", "6", "bounced (Blocked)", "request fault err_6"),
        ("rejected", "0", "failed", "request fault rejected"),
        ("rejected", "77", "failed", "request fault err_77"),
        ("unknown", "0", "unknown", ""),
    ] {
        let event = event(&form(&receipt(status, code), NOW));
        assert_eq!(format!("{:?}", event.kind), kind, "{status} {code}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{status} {code}");
    }
    for (name, title, kind, fault) in [
        ("submitted", json!(null), "accepted", ""),
        ("read", json!(null), "opened", ""),
        (
            "undeliverable",
            json!(1260),
            "bounced (Soft)",
            "provider fault err_1260",
        ),
        (
            "rejected",
            json!("1000"),
            "failed",
            "provider fault err_1000",
        ),
        (
            "rejected",
            json!("words"),
            "failed",
            "request fault rejected",
        ),
    ] {
        let event = event(&token(&status(name, &title), NOW));
        assert_eq!(format!("{:?}", event.kind), kind, "{name} {title}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{name} {title}");
    }
}

#[test]
fn stop_and_start_are_what_people_want() {
    for (text, kind) in [
        ("STOP", "unsubscribed"),
        ("Start", "resubscribed"),
        ("hello", "replied"),
    ] {
        let pairs = [
            ("msisdn", "447700900000"),
            ("to", "447700900001"),
            ("messageId", "0B1"),
            ("text", text),
            ("type", "text"),
        ];
        let by_form = event(&form(&pairs, NOW));
        let body = json!({
            "message_uuid": "0B1", "from": "447700900000", "to": "447700900001",
            "channel": "sms", "message_type": "text", "text": text,
        });
        let by_token = event(&token(&body.to_string(), NOW));
        for event in [by_form, by_token] {
            assert_eq!(event.kind.as_str(), kind, "{text}");
            assert_eq!(
                event.address,
                Some(Address::phone("+447700900000")),
                "who wrote"
            );
            assert_eq!(event.event_id.as_deref(), Some("0B1:inbound"));
        }
    }
}
