//! Mailgun's events.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::mailgun::MailgunWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// That of the fixtures of the Mailgun bridge of Symfony.
const KEY: &str = "key-0p6mqbf74lb20gzq9f4dhpn9rg3zyk26";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";
const TOKEN: &str = "885894756b6c371a377f5f9516d60a4db497ad27d4931ed215";

fn parser() -> MailgunWebhook {
    MailgunWebhook::new("mailgun", KEY)
}

fn request(event: &Value, signature: Value) -> SignedRequest {
    let body = json!({"signature": signature, "event-data": event});
    SignedRequest::post("https://example.com/hooks/mailgun", body.to_string())
        .with_header("Content-Type", "application/json")
}

fn signed(event: &Value, at: Timestamp) -> SignedRequest {
    let seconds = (at.as_micros() / 1_000_000).to_string();
    let tag = sign(
        &Key::new(HMAC_SHA256, KEY.as_bytes()),
        format!("{seconds}{TOKEN}").as_bytes(),
    );
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    request(
        event,
        json!({"timestamp": seconds, "token": TOKEN, "signature": hex}),
    )
}

/// With the fields of the vendor's documentation.
fn delivered() -> Value {
    json!({
        "event": "delivered",
        "id": "CPgfbmQMTCKtHW6uIWtuVe",
        "timestamp": 1_767_225_599.25,
        "recipient": "alice@example.com",
        "message": {"headers": {"message-id": "20130503182626.18666.16540@mg.example.com", "to": "Alice <alice@example.com>"}},
        "delivery-status": {"code": 250, "message": "OK", "description": ""},
        "user-variables": {"delivery_id": DELIVERY, "my_var_1": "Mailgun Variable #1"},
        "tags": ["my_tag_1"],
    })
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser())
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(MailgunWebhook::new("mailgun", "key-of-a-stranger"))
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(signed(&delivered(), signed_at)),
            Sample::UnknownKind => Some(signed(&json!({"event": "moon_phase"}), signed_at)),
            _ => None,
        }
    }

    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        let mut body: Value = serde_json::from_slice(&request.body).expect("JSON");
        body.as_object_mut().expect("an object").remove("signature");
        request.body = body.to_string().into_bytes();
        request
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(8 * 3_600))
    }

    /// It covers the time and the token.
    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned(), "key-of-a-stranger".to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

/// Source: the fixtures of the Mailgun bridge of Symfony.
#[test]
fn the_published_signatures_pass() {
    for (timestamp, token, signature) in [
        (
            1_661_621_710,
            TOKEN,
            "606307bb55b72686b1b2a2c8c37ae6e6ec89496592bac4a4eee5a346337d04a5",
        ),
        (
            1_661_590_666,
            "fff0ebc59c0516f4ce0823212a2f45e5c67814420b99fe558b",
            "a0cd251821d8fd56a2130b541becc8e441023574e602fe9829a9ab9fbfdea33f",
        ),
    ] {
        let fields =
            json!({"timestamp": timestamp.to_string(), "token": token, "signature": signature});
        let request = request(&delivered(), fields);
        let at = Timestamp::from_micros(timestamp * 1_000_000);
        assert!(request.parsed_by(&parser(), at).is_ok());
        let late = at + Duration::from_secs(9 * 3_600);
        assert_eq!(request.parsed_by(&parser(), late), Err(WebhookError::Stale));
    }
}

fn event(raw: &Value) -> ProviderEvent {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    let parsed = signed(raw, now).parsed_by(&parser(), now);
    parsed.expect("is signed").events.remove(0)
}

#[test]
fn an_event_finds_its_delivery() {
    let found = event(&delivered());
    assert_eq!(found.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(
        found.message_id.as_deref(),
        Some("20130503182626.18666.16540@mg.example.com")
    );
    assert_eq!(
        found.event_id.as_deref(),
        Some("20453:CPgfbmQMTCKtHW6uIWtuVe")
    );
    assert_eq!(found.address, Some(Address::email("alice@example.com")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_599_250_000));
}

/// Each event has this kind and this fault.
fn assert_kinds(rows: Vec<(Value, &str, &str)>) {
    for (raw, kind, fault) in rows {
        let found = event(&raw);
        assert_eq!(format!("{:?}", found.kind), kind, "{raw}");
        let shown = found.fault.map(|fault| fault.to_string());
        assert_eq!(shown.unwrap_or_default(), fault, "{raw}");
    }
}

#[test]
fn each_kind_has_its_meaning() {
    assert_kinds(vec![
        (json!({"event": "accepted"}), "accepted", ""),
        (json!({"event": "delivered"}), "delivered", ""),
        (json!({"event": "opened"}), "opened", ""),
        (
            json!({"event": "clicked", "url": "https://example.com/"}),
            "clicked",
            "",
        ),
        (json!({"event": "complained"}), "complained", ""),
        (json!({"event": "unsubscribed"}), "unsubscribed", ""),
        (
            json!({"event": "rejected", "reject": {"reason": "spam"}}),
            "failed",
            "request fault rejected",
        ),
        (
            json!({"event": "failed", "severity": "temporary", "delivery-status": {"code": 421}}),
            "deferred",
            "provider fault 421",
        ),
        (
            json!({"event": "failed", "severity": "temporary"}),
            "deferred",
            "provider fault failed",
        ),
        (json!({"event": "stored"}), "unknown", ""),
        (json!({}), "unknown", ""),
        (json!("text"), "unknown", ""),
    ]);
}

#[test]
fn each_reason_to_come_back_has_its_meaning() {
    let failed = |reason: &str, code: i64, enhanced: &str| {
        json!({
            "event": "failed", "severity": "permanent", "reason": reason,
            "delivery-status": {"code": code, "enhanced-code": enhanced},
        })
    };
    assert_kinds(vec![
        (
            failed("bounce", 550, "5.1.1"),
            "bounced (Hard)",
            "recipient fault 5.1.1",
        ),
        (
            failed("bounce", 550, ""),
            "bounced (Hard)",
            "recipient fault 550",
        ),
        (
            failed("generic", 553, ""),
            "bounced (Hard)",
            "recipient fault 553",
        ),
        (
            failed("bounce", 0, ""),
            "bounced (Hard)",
            "recipient fault bounce",
        ),
        (
            failed("bounce", 552, "5.2.2"),
            "bounced (Soft)",
            "provider fault 5.2.2",
        ),
        (
            failed("bounce", 550, "5.7.1"),
            "bounced (Blocked)",
            "request fault 5.7.1",
        ),
        (
            failed("espblock", 421, ""),
            "bounced (Blocked)",
            "request fault espblock",
        ),
        (
            failed("old", 602, ""),
            "bounced (Soft)",
            "provider fault old",
        ),
        (
            failed("suppress-bounce", 605, ""),
            "bounced (Suppressed)",
            "recipient fault suppress-bounce",
        ),
        (
            failed("suppress-unsubscribe", 606, ""),
            "bounced (Suppressed)",
            "recipient fault suppress-unsubscribe",
        ),
        (
            failed("", 607, ""),
            "bounced (Suppressed)",
            "recipient fault 607",
        ),
        (failed("generic", 498, ""), "failed", "provider fault 498"),
    ]);
}

#[test]
fn both_keys_count_while_one_is_replaced() {
    let parser = MailgunWebhook::new("mailgun", "new").or_key(KEY);
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    assert!(signed(&delivered(), now).parsed_by(&parser, now).is_ok());
}
