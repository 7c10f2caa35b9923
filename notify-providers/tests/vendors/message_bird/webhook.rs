//! MessageBird's reports and incoming messages.

use super::KEY as ACCESS_KEY;
use crate::suite::Vendor as _;
use crate::support::http::FakeVendor;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use notify_core::channel::SmsMessage;
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, Provider as _, ProviderEvent, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId, Message};
use notify_providers::sms::message_bird::{MessageBirdProvider, MessageBirdWebhook};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "key-by-which-reports-are-signed";
const URL: &str = "https://example.com/hooks/message_bird";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request as the vendor signs it. Its minute lies around the time, so that both ends of it can be looked at.
fn signed(mut request: SignedRequest, at: Timestamp) -> SignedRequest {
    let at = at.as_micros() / 1_000_000;
    let mut claims = json!({
        "iss": "MessageBird", "nbf": at - 25, "exp": at + 25, "jti": "59a244dc",
        "url_hash": hex(digest(&SHA256, request.url.as_bytes()).as_ref()),
    });
    if request.body.is_empty() {
        request.method = "GET".to_owned();
    } else {
        claims["payload_hash"] = hex(digest(&SHA256, &request.body).as_ref()).into();
    }
    let encode = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!(
        "{}.{}",
        encode(json!({"alg": "HS256", "typ": "JWT"})),
        encode(claims)
    );
    let tag = sign(&Key::new(HMAC_SHA256, KEY.as_bytes()), signed.as_bytes());
    let tag = URL_SAFE_NO_PAD.encode(tag.as_ref());
    request.with_header("MessageBird-Signature-JWT", format!("{signed}.{tag}"))
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

fn status<'a>(status: &'a str, code: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("id", "efa6405d"),
        ("reference", DELIVERY),
        ("recipient", "31600000007"),
        ("status", status),
        ("statusDatetime", "2016-05-11T13:04:05+00:00"),
        ("statusErrorCode", code),
    ]
}

fn get(pairs: &[(&str, &str)], at: Timestamp) -> SignedRequest {
    signed(
        SignedRequest::post(format!("{URL}?{}", encoded(pairs)), ""),
        at,
    )
}

fn post(pairs: &[(&str, &str)], at: Timestamp) -> SignedRequest {
    let request = SignedRequest::post(URL, encoded(pairs))
        .with_header("Content-Type", "application/x-www-form-urlencoded");
    signed(request, at)
}

struct Gets;
struct Posts;

macro_rules! harness {
    ($name:ident, $request:ident) => {
        impl WebhookHarness for $name {
            fn parser(&self) -> Arc<dyn WebhookParser> {
                Arc::new(MessageBirdWebhook::new("message_bird", KEY))
            }

            fn stranger(&self) -> Arc<dyn WebhookParser> {
                Arc::new(MessageBirdWebhook::new("message_bird", "another-key"))
            }

            fn request(&self, sample: Sample, at: Timestamp) -> Option<SignedRequest> {
                match sample {
                    Sample::One => Some($request(&status("delivered", ""), at)),
                    Sample::UnknownKind => Some($request(&status("moon_phase", ""), at)),
                    _ => None,
                }
            }

            /// Half a minute, and what the clocks may differ.
            fn window(&self) -> Option<Duration> {
                Some(Duration::from_secs(30))
            }

            fn secrets(&self) -> Vec<String> {
                vec![KEY.to_owned(), "another-key".to_owned()]
            }
        }
    };
}

harness!(Gets, get);
harness!(Posts, post);

mod gets {
    use super::*;
    notify_core::webhook_tests!(Gets);
}

mod posts {
    use super::*;
    notify_core::webhook_tests!(Posts);
}

fn event(request: &SignedRequest) -> ProviderEvent {
    let parsed = request.parsed_by(&*Gets.parser(), NOW);
    parsed.expect("is signed").events.remove(0)
}

#[tokio::test]
async fn a_report_finds_the_message_that_was_sent() {
    let fake =
        FakeVendor::start(|request| super::MessageBird::accept(request, &["efa6405d".to_owned()]));
    let provider = MessageBirdProvider::builder(ACCESS_KEY, "Example").http(fake.options());
    let provider = provider.build().expect("builds");
    let message = Message::new(SmsMessage::new("a"));
    let sent = Envelope::new("key", Address::phone("+31600000007"), message);
    let receipt = provider.send(&sent).await.expect("is taken");
    let event = event(&get(&status("delivered", ""), NOW));
    assert_eq!(event.message_id, receipt.message_id);
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.address, Some(Address::phone("+31600000007")));
    assert_eq!(event.at.to_string(), "2016-05-11T13:04:05Z");
}

/// Source: the reference data of MessageBird's SDKs.
#[test]
fn the_vendors_own_signature_is_read() {
    let key = "36efdd1aace2e26cd490f0d951138253bef2f7c6d34d18981da781555cc4cebb";
    let token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiI1OWEyNDRkYy1lOWFkLTRlMjMtOTc3OC0zNzFmYWEyMzhmNzIiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzljNzc4M2U5ZDcifQ.6Fp0rVOsRr1fj9S2GidXAfkmPVofKr8_RTffC6G6r2E";
    let mut request = SignedRequest::post("https://example.com/", "");
    request.method = "GET".to_owned();
    let request = request.with_header("MessageBird-Signature-JWT", token);
    let parser = MessageBirdWebhook::new("message_bird", "other").or_key(key);
    let at = Timestamp::from_micros(1_625_479_200_000_000);
    let events = request.parsed_by(&parser, at).expect("is signed").events;
    assert_eq!(events[0].kind.as_str(), "unknown", "it says nothing");
}

#[test]
fn each_status_has_its_meaning() {
    for (name, code, kind, fault) in [
        ("scheduled", "", "accepted", ""),
        ("sent", "", "accepted", ""),
        ("buffered", "", "accepted", ""),
        ("delivered", "", "delivered", ""),
        ("expired", "27", "failed", "provider fault expired"),
        (
            "delivery_failed",
            "",
            "failed",
            "provider fault delivery_failed",
        ),
        (
            "delivery_failed",
            "1",
            "bounced (Hard)",
            "recipient fault err_1",
        ),
        (
            "delivery_failed",
            "27",
            "bounced (Soft)",
            "provider fault err_27",
        ),
        (
            "delivery_failed",
            "13",
            "bounced (Hard)",
            "recipient fault err_13",
        ),
        (
            "delivery_failed",
            "103",
            "bounced (Suppressed)",
            "recipient fault err_103",
        ),
        ("delivery_failed", "104", "failed", "config fault err_104"),
        ("delivery_failed", "777", "failed", "provider fault err_777"),
    ] {
        let event = event(&get(&status(name, code), NOW));
        assert_eq!(format!("{:?}", event.kind), kind, "{name} {code}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{name} {code}");
    }
}

#[test]
fn stop_and_start_are_what_people_want() {
    for (text, kind) in [
        ("STOP", "unsubscribed"),
        ("start", "resubscribed"),
        ("hello", "replied"),
    ] {
        let pairs = [
            ("id", "in-1"),
            ("originator", "31600000007"),
            ("recipient", "31600000099"),
            ("body", text),
            ("createdDatetime", "2016-05-11T13:04:05+00:00"),
        ];
        let event = event(&post(&pairs, NOW));
        assert_eq!(event.kind.as_str(), kind, "{text}");
        assert_eq!(
            event.address,
            Some(Address::phone("+31600000007")),
            "who wrote"
        );
        assert_eq!(event.event_id.as_deref(), Some("in-1:inbound"));
    }
}
