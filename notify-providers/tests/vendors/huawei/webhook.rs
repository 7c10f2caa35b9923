//! Huawei's receipts.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::push::huawei::HuaweiWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const USER: &str = "receipts";
const KEY: &str = "test-key-of-callback";
const URL: &str = "https://example.com/hooks/huawei";
const NOW: Timestamp = Timestamp::from_micros(1_563_105_451_261_000);

/// A request as Huawei signs it.
fn signed(body: &Value, at: Timestamp) -> SignedRequest {
    let (timestamp, nonce) = (
        at.as_micros() / 1_000,
        "a07bfa17-6d82-4b53-a9a2-07cfef5ceef1",
    );
    let key = Key::new(HMAC_SHA256, KEY.as_bytes());
    let value = STANDARD.encode(sign(&key, format!("{timestamp}{nonce}{USER}").as_bytes()));
    let header = format!("timestamp={timestamp}; nonce={nonce}; value={value}");
    SignedRequest::post(URL, body.to_string())
        .with_header("Content-Type", "application/json")
        .with_header("X-HUAWEI-CALLBACK-ID", header)
}

/// The example of the documentation, of version 1.
fn receipt(status: u32) -> Value {
    json!({
        "biTag": "00000000-0000-0000-0000-000000000007",
        "appid": "0000000013",
        "token": "14889646529623230000000013000001",
        "status": status,
        "timestamp": 1_489_993_883_189_i64,
        "requestId": "1234567890",
    })
}

struct Receipts;

impl WebhookHarness for Receipts {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(HuaweiWebhook::new("huawei", USER, KEY))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(HuaweiWebhook::new("huawei", USER, "another-key"))
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        let statuses = match sample {
            Sample::One => vec![receipt(0)],
            Sample::Two => vec![receipt(0), receipt(2)],
            Sample::UnknownKind => vec![receipt(777)],
            _ => return None,
        };
        Some(signed(&json!({ "statuses": statuses }), signed_at))
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(300))
    }

    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned(), "another-key".to_owned()]
    }
}

notify_core::webhook_tests!(Receipts);

fn read(receipt: Value) -> ProviderEvent {
    let request = signed(&json!({ "statuses": [receipt] }), NOW);
    let parsed = request.parsed_by(&*Receipts.parser(), NOW);
    parsed.expect("is Huawei's").events.remove(0)
}

#[test]
fn every_status_has_its_kind() {
    for (status, kind, fault) in [
        (0, "delivered", None),
        (2, "bounced (Hard)", Some("recipient fault status_2")),
        (5, "bounced (Soft)", Some("recipient fault status_5")),
        (6, "bounced (Soft)", Some("recipient fault status_6")),
        (10, "bounced (Soft)", Some("recipient fault status_10")),
        (15, "failed", Some("request fault status_15")),
        (27, "accepted", None),
        (102, "failed", Some("provider fault status_102")),
        (201, "bounced (Soft)", Some("recipient fault status_201")),
        (777, "unknown", None),
    ] {
        let event = read(receipt(status));
        assert_eq!(format!("{:?}", event.kind), kind, "{status}");
        let said = event.fault.map(|fault| fault.to_string());
        assert_eq!(said.as_deref(), fault, "{status}");
    }
}

#[test]
fn a_receipt_finds_its_delivery() {
    let event = read(receipt(0));
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.message_id.as_deref(), Some("1234567890"));
    assert_eq!(event.at, Timestamp::from_micros(1_489_993_883_189_000));
    let token = Address::device("14889646529623230000000013000001");
    assert_eq!(event.address, Some(token));
    assert_eq!(event.event_id, read(receipt(0)).event_id);
    assert_ne!(event.event_id, read(receipt(2)).event_id);
    // Without our tag, as messages that shared a call.
    let mut untagged = receipt(0);
    untagged["biTag"] = "".into();
    assert_eq!(read(untagged).delivery, None);
}

#[test]
fn the_second_version_reads_the_same() {
    let event = read(json!({
        "token": "14889646529623230000000013000001",
        "pushType": 0,
        "appPackageName": "com.example.app",
        "biTag": "00000000-0000-0000-0000-000000000007",
        "requestId": "1234567890",
        "deliveryStatus": {"result": 2, "timestamp": 1_489_993_883_189_i64},
    }));
    let mut first = read(receipt(2));
    first.raw = event.raw.clone();
    assert_eq!(event, first);
}

#[test]
fn huawei_is_told_that_it_was_heard() {
    let request = signed(&json!({"statuses": []}), NOW);
    let parsed = request
        .parsed_by(&*Receipts.parser(), NOW)
        .expect("is Huawei's");
    let reply = parsed.reply.expect("an answer");
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(
        (reply.status, body),
        (200, json!({"errno": "0", "errmsg": "success"}))
    );
}

#[test]
fn a_header_that_says_something_twice_is_refused() {
    let mut request = signed(&json!({"statuses": []}), NOW);
    request.headers[1].1.push_str("; timestamp=1");
    let parsed = request.parsed_by(&*Receipts.parser(), NOW);
    assert_eq!(parsed, Err(WebhookError::Unauthorized));
}

#[test]
fn a_second_key_and_another_age_may_be_given() {
    let parser = HuaweiWebhook::new("huawei", USER, "new-key")
        .or_key(KEY)
        .max_age(Duration::from_secs(3_600));
    let request = signed(&json!({"statuses": [receipt(0)]}), NOW);
    let hour = Duration::from_secs(3_600);
    assert!(request.parsed_by(&parser, NOW + hour).is_ok());
    let late = request.parsed_by(&parser, NOW + hour + Duration::from_millis(1));
    assert_eq!(late, Err(WebhookError::Stale));
    let body = signed(&json!({"other": []}), NOW).parsed_by(&parser, NOW);
    assert!(matches!(body, Err(WebhookError::Malformed(_))));
}
