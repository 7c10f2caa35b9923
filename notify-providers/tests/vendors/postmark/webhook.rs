//! Postmark's events. The samples have the fields of the vendor's documentation of each webhook.

use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::WebhookSecret;
use notify_providers::email::postmark::PostmarkWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PASSWORD: &str = "open sesame";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";

fn parser() -> PostmarkWebhook {
    PostmarkWebhook::new("postmark", WebhookSecret::basic("Aladdin", PASSWORD))
}

fn request(body: &Value) -> SignedRequest {
    SignedRequest::post("https://example.com/hooks/postmark", body.to_string())
        .with_header("Content-Type", "application/json")
        .with_header("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
}

fn delivered() -> Value {
    json!({
        "RecordType": "Delivery",
        "ServerID": 23,
        "MessageStream": "outbound",
        "MessageID": "00000000-0000-0000-0000-000000000000",
        "Recipient": "john@example.com",
        "Tag": "welcome-email",
        "DeliveredAt": "2025-12-31T23:59:59.1234567Z",
        "Details": "Test delivery webhook details",
        "Metadata": {"delivery_id": DELIVERY, "example": "value"},
    })
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser())
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        let secret = WebhookSecret::basic("Aladdin", "another one");
        Arc::new(PostmarkWebhook::new("postmark", secret))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(request(&delivered())),
            Sample::UnknownKind => Some(request(&json!({"RecordType": "moon_phase"}))),
            _ => None,
        }
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![
            PASSWORD.to_owned(),
            "another one".to_owned(),
            "QWxhZGRpbjpv".to_owned(),
        ]
    }
}

notify_core::webhook_tests!(Harness);

fn event(raw: Value) -> ProviderEvent {
    let now = Timestamp::from_micros(1_767_225_600_000_000);
    let parsed = request(&raw).parsed_by(&parser(), now);
    parsed.expect("has the password").events.remove(0)
}

#[test]
fn an_event_finds_its_delivery() {
    let found = event(delivered());
    assert_eq!(found.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(
        found.message_id.as_deref(),
        Some("00000000-0000-0000-0000-000000000000")
    );
    assert_eq!(found.address, Some(Address::email("john@example.com")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_599_123_456));
    let bounce = json!({
        "RecordType": "Bounce", "ID": 42, "Type": "HardBounce", "TypeCode": 1, "Email": "john@example.com",
        "BouncedAt": "2025-12-31T20:00:00-04:00", "MessageID": "m", "Inactive": true,
    });
    let found = event(bounce);
    assert_eq!(found.event_id.as_deref(), Some("Bounce:42"));
    assert_eq!(found.address, Some(Address::email("john@example.com")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_600_000_000));
}

#[test]
fn an_incoming_mail_is_an_answer() {
    let found = event(json!({"FromFull": {"Email": "ada@example.org"}, "MessageID": "in-1"}));
    assert_eq!(found.kind.as_str(), "replied");
    assert_eq!(found.address, Some(Address::email("ada@example.org")));
    assert_eq!(
        (found.message_id, found.event_id.as_deref()),
        (None, Some("Inbound:in-1"))
    );
}

/// Each event has this kind and this fault.
fn assert_kinds(rows: Vec<(Value, &str, &str)>) {
    for (raw, kind, fault) in rows {
        let found = event(raw.clone());
        assert_eq!(format!("{:?}", found.kind), kind, "{raw}");
        let shown = found.fault.map(|fault| fault.to_string());
        assert_eq!(shown.unwrap_or_default(), fault, "{raw}");
    }
}

#[test]
fn each_kind_has_its_meaning() {
    let change = |on: bool, reason: Value| json!({"RecordType": "SubscriptionChange", "SuppressSending": on, "SuppressionReason": reason});
    assert_kinds(vec![
        (json!({"RecordType": "Delivery"}), "delivered", ""),
        (json!({"RecordType": "Open"}), "opened", ""),
        (
            json!({"RecordType": "Click", "OriginalLink": "https://example.com"}),
            "clicked",
            "",
        ),
        (json!({"RecordType": "SpamComplaint"}), "complained", ""),
        (change(true, json!("ManualSuppression")), "unsubscribed", ""),
        (change(true, json!("SpamComplaint")), "complained", ""),
        (
            change(true, json!("HardBounce")),
            "bounced (Suppressed)",
            "recipient fault HardBounce",
        ),
        (change(false, Value::Null), "resubscribed", ""),
        (json!({"RecordType": "SMTPApiError"}), "unknown", ""),
        (json!({}), "unknown", ""),
    ]);
}

#[test]
fn each_reason_to_come_back_has_its_meaning() {
    let bounce = |kind: &str, inactive: bool| json!({"RecordType": "Bounce", "Type": kind, "Inactive": inactive});
    assert_kinds(vec![
        (
            bounce("HardBounce", true),
            "bounced (Hard)",
            "recipient fault HardBounce",
        ),
        (
            bounce("BadEmailAddress", true),
            "bounced (Hard)",
            "recipient fault BadEmailAddress",
        ),
        (
            bounce("ManuallyDeactivated", true),
            "bounced (Suppressed)",
            "recipient fault ManuallyDeactivated",
        ),
        (bounce("Unsubscribe", true), "unsubscribed", ""),
        (bounce("Subscribe", false), "resubscribed", ""),
        (bounce("SpamComplaint", true), "complained", ""),
        (
            bounce("Transient", false),
            "deferred",
            "provider fault Transient",
        ),
        (
            bounce("DnsError", false),
            "deferred",
            "provider fault DnsError",
        ),
        (
            bounce("Blocked", false),
            "bounced (Blocked)",
            "request fault Blocked",
        ),
        (
            bounce("SpamNotification", false),
            "bounced (Blocked)",
            "request fault SpamNotification",
        ),
        (
            bounce("DMARCPolicy", false),
            "bounced (Blocked)",
            "request fault DMARCPolicy",
        ),
        (
            bounce("SMTPApiError", false),
            "failed",
            "request fault SMTPApiError",
        ),
        (
            bounce("TemplateRenderingFailed", false),
            "failed",
            "request fault TemplateRenderingFailed",
        ),
    ]);
}

#[test]
fn what_the_vendor_has_made_inactive_is_dead() {
    let bounce = |kind: &str, inactive: bool| json!({"RecordType": "Bounce", "Type": kind, "Inactive": inactive});
    assert_kinds(vec![
        (
            bounce("SoftBounce", false),
            "bounced (Soft)",
            "provider fault SoftBounce",
        ),
        (
            bounce("SoftBounce", true),
            "bounced (Hard)",
            "recipient fault SoftBounce",
        ),
        (bounce("AutoResponder", false), "unknown", ""),
        (
            bounce("Unknown", true),
            "bounced (Hard)",
            "recipient fault Unknown",
        ),
    ]);
}

#[test]
fn both_secrets_count_while_one_is_replaced() {
    let parser = PostmarkWebhook::new("postmark", WebhookSecret::header("X-Hook", "new"))
        .or_secret(WebhookSecret::parameter("token", "old"));
    let now = Timestamp::EPOCH;
    let bare = |url: &str| SignedRequest::post(url, "{}");
    let by_header = bare("https://example.com/").with_header("x-hook", "new");
    assert!(by_header.parsed_by(&parser, now).is_ok());
    assert!(
        bare("https://example.com/?token=old")
            .parsed_by(&parser, now)
            .is_ok()
    );
    assert!(
        bare("https://example.com/?token=new")
            .parsed_by(&parser, now)
            .is_err()
    );
}
