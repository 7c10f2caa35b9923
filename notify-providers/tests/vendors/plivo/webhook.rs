//! Plivo's reports and incoming messages.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::sms::plivo::PlivoWebhook;
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "my_auth_token";
const ADDRESS: &str = "https://example.com/hooks/plivo";
const QUERY: &str = "delivery_id=00000000-0000-0000-0000-000000000007";
const NONCE: &str = "12345";

fn signature(base: &str) -> String {
    let key = Key::new(HMAC_SHA256, TOKEN.as_bytes());
    STANDARD.encode(sign(&key, format!("{base}.{NONCE}").as_bytes()))
}

fn with_signature(request: SignedRequest, signature: String) -> SignedRequest {
    request
        .with_header("Content-Type", "application/x-www-form-urlencoded")
        .with_header("X-Plivo-Signature-V3", signature)
        .with_header("X-Plivo-Signature-V3-Nonce", NONCE)
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// A form as the vendor signs it.
fn form(pairs: &[(&str, &str)]) -> SignedRequest {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let joined: String = sorted
        .iter()
        .map(|(name, value)| format!("{name}{value}"))
        .collect();
    let request = SignedRequest::post(format!("{ADDRESS}?{QUERY}"), encoded(pairs));
    with_signature(request, signature(&format!("{ADDRESS}?{QUERY}.{joined}")))
}

fn report<'a>(status: &'a str, code: &'a str) -> [(&'a str, &'a str); 7] {
    [
        ("MessageUUID", "uuid-2"),
        ("ParentMessageUUID", "uuid-1"),
        ("PartInfo", "2 of 2"),
        ("From", "15550199"),
        ("To", "15622089096"),
        ("ErrorCode", code),
        ("Status", status),
    ]
}

struct Forms;

impl WebhookHarness for Forms {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(PlivoWebhook::new("plivo", TOKEN))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(PlivoWebhook::new("plivo", "another_token"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(form(&report("delivered", ""))),
            Sample::UnknownKind => Some(form(&report("moon_phase", ""))),
            _ => None,
        }
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned(), "another_token".to_owned()]
    }
}

mod suite {
    use super::*;
    notify_core::webhook_tests!(Forms);
}

fn parsed(request: &SignedRequest) -> Result<Vec<ProviderEvent>, WebhookError> {
    let parsed = request.parsed_by(&*Forms.parser(), Timestamp::EPOCH);
    parsed.map(|parsed| parsed.events)
}

fn event(request: &SignedRequest) -> ProviderEvent {
    parsed(request).expect("is signed").remove(0)
}

#[test]
fn a_report_of_a_segment_finds_message_and_delivery() {
    let event = event(&form(&report("delivered", "")));
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(
        event.message_id.as_deref(),
        Some("uuid-1"),
        "that of the receipt"
    );
    assert_eq!(event.event_id.as_deref(), Some("uuid-2:delivered"));
    assert_eq!(event.address, Some(Address::phone("+15622089096")));
}

#[test]
fn a_report_by_get_is_signed_with_its_query() {
    let pairs = [
        ("MessageUUID", "uuid-1"),
        ("Status", "sent"),
        ("To", "15622089096"),
    ];
    let query = encoded(&pairs);
    let mut request = SignedRequest::post(format!("{ADDRESS}?{query}"), "");
    request.method = "GET".to_owned();
    let request = with_signature(request, signature(&format!("{ADDRESS}?{query}")));
    assert_eq!(event(&request).kind.as_str(), "accepted");
    let mut other = request;
    other.url = other.url.replace("sent", "delivered");
    assert_eq!(parsed(&other), Err(WebhookError::Unauthorized));
}

#[test]
fn one_of_several_signatures_is_enough_and_the_old_version_is_not() {
    let mut request = form(&report("delivered", ""));
    let (_, signatures) = &mut request.headers[1];
    signatures.insert_str(0, "AAAA,");
    assert!(parsed(&request).is_ok());
    // Version 2 does not cover the form.
    let key = Key::new(HMAC_SHA256, TOKEN.as_bytes());
    let v2 = STANDARD.encode(sign(&key, format!("{ADDRESS}{NONCE}").as_bytes()));
    let old = SignedRequest::post(ADDRESS, encoded(&report("delivered", "")))
        .with_header("X-Plivo-Signature-V2", v2)
        .with_header("X-Plivo-Signature-V2-Nonce", NONCE);
    assert_eq!(parsed(&old), Err(WebhookError::Unauthorized));
    let parser = PlivoWebhook::new("plivo", "new").or_token(TOKEN);
    assert!(request.parsed_by(&parser, Timestamp::EPOCH).is_ok());
}

#[test]
fn each_status_has_its_meaning() {
    for (status, code, kind, fault) in [
        ("queued", "", "accepted", ""),
        ("sent", "", "accepted", ""),
        ("delivered", "000", "delivered", ""),
        ("read", "", "opened", ""),
        ("undelivered", "50", "bounced (Hard)", "recipient fault 50"),
        ("undelivered", "70", "bounced (Hard)", "recipient fault 70"),
        ("undelivered", "80", "bounced (Soft)", "provider fault 80"),
        ("undelivered", "30", "bounced (Blocked)", "request fault 30"),
        (
            "failed",
            "200",
            "bounced (Suppressed)",
            "recipient fault 200",
        ),
        ("failed", "420", "failed", "provider fault 420"),
        ("failed", "900", "failed", "config fault 900"),
        ("failed", "000", "failed", "provider fault failed"),
        ("failed", "77", "failed", "provider fault 77"),
        ("failed", "15622089096", "failed", "provider fault failed"),
        ("rejected", "", "failed", "request fault rejected"),
        ("paused", "", "unknown", ""),
    ] {
        let event = event(&form(&report(status, code)));
        assert_eq!(format!("{:?}", event.kind), kind, "{status} {code}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{status} {code}");
    }
}

#[test]
fn stop_and_start_are_what_people_want() {
    for (text, kind) in [
        ("Stop", "unsubscribed"),
        ("START", "resubscribed"),
        ("hello", "replied"),
    ] {
        let event = event(&form(&[
            ("MessageUUID", "uuid-9"),
            ("From", "15622089096"),
            ("To", "15550199"),
            ("Type", "sms"),
            ("Text", text),
        ]));
        assert_eq!(event.kind.as_str(), kind, "{text}");
        assert_eq!(
            event.address,
            Some(Address::phone("+15622089096")),
            "who wrote"
        );
    }
}
