//! Resend's events.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::resend::ResendWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// That of the example in Svix's documentation.
const SECRET: &str = "plJ3nmyCDGBKInavdOK15jsl";
const OTHER: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn parser(secret: &str) -> ResendWebhook {
    ResendWebhook::new("resend", format!("whsec_{secret}")).expect("a secret")
}

fn signed(body: &Value, at: Timestamp) -> SignedRequest {
    let (body, seconds) = (body.to_string(), (at.as_micros() / 1_000_000).to_string());
    let key = STANDARD.decode(SECRET).expect("base64");
    let text = format!("msg_1.{seconds}.{body}");
    let signature = STANDARD.encode(sign(&Key::new(HMAC_SHA256, &key), text.as_bytes()));
    SignedRequest::post("https://example.com/hooks/resend", body)
        .with_header("Content-Type", "application/json")
        .with_header("svix-id", "msg_1")
        .with_header("svix-timestamp", seconds)
        .with_header("svix-signature", format!("v1,{signature}"))
}

/// With the fields of the vendor's documentation.
fn delivered() -> Value {
    json!({
        "type": "email.delivered",
        "created_at": "2025-12-31T23:59:59.126Z",
        "data": {
            "created_at": "2025-12-31T23:41:11.894719+00:00",
            "email_id": "56761188-7520-42d8-8898-ff6fc54ce618",
            "from": "Acme <onboarding@resend.dev>",
            "to": ["delivered@resend.dev"],
            "subject": "Sending this example",
            "tags": {"delivery_id": DELIVERY, "category": "confirm_email"},
        },
    })
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser(SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser(OTHER))
    }

    fn request(&self, sample: Sample, signed_at: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(signed(&delivered(), signed_at)),
            Sample::UnknownKind => Some(signed(&json!({"type": "moon_phase"}), signed_at)),
            _ => None,
        }
    }

    fn window(&self) -> Option<Duration> {
        Some(Duration::from_secs(300))
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned(), OTHER.to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn event(raw: &Value) -> ProviderEvent {
    let parsed = signed(raw, NOW).parsed_by(&parser(SECRET), NOW);
    parsed.expect("is signed").events.remove(0)
}

#[test]
fn an_event_finds_its_delivery() {
    let found = event(&delivered());
    assert_eq!(found.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(
        found.message_id.as_deref(),
        Some("56761188-7520-42d8-8898-ff6fc54ce618")
    );
    assert_eq!(found.event_id.as_deref(), Some("msg_1"));
    assert_eq!(found.address, Some(Address::email("delivered@resend.dev")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_599_126_000));
    let mut listed = delivered();
    listed["data"]["tags"] =
        json!([{"name": "a", "value": "b"}, {"name": "delivery_id", "value": DELIVERY}]);
    assert_eq!(event(&listed).delivery, Some(DeliveryId::from_u128(7)));
}

#[test]
fn an_incoming_mail_is_an_answer() {
    let found = event(
        &json!({"type": "email.received", "data": {"from": "Ada <ada@example.org>", "email_id": "in"}}),
    );
    assert_eq!(found.kind.as_str(), "replied");
    assert_eq!(found.address, Some(Address::email("ada@example.org")));
    assert_eq!(found.message_id, None, "it is not one of ours");
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
    let named = |name: &str| json!({"type": name, "data": {}});
    assert_kinds(vec![
        (named("email.sent"), "accepted", ""),
        (named("email.scheduled"), "accepted", ""),
        (named("email.delivered"), "delivered", ""),
        (
            named("email.delivery_delayed"),
            "deferred",
            "provider fault delivery_delayed",
        ),
        (named("email.opened"), "opened", ""),
        (
            json!({"type": "email.clicked", "data": {"click": {"link": "https://example.com/"}}}),
            "clicked",
            "",
        ),
        (named("email.complained"), "complained", ""),
        (
            named("email.bounced"),
            "bounced (Soft)",
            "provider fault bounced",
        ),
        (
            named("email.suppressed"),
            "bounced (Suppressed)",
            "recipient fault suppressed",
        ),
        (named("email.failed"), "failed", "provider fault failed"),
        (named("contact.created"), "unknown", ""),
        (json!({}), "unknown", ""),
        (json!([]), "unknown", ""),
    ]);
}

#[test]
fn each_reason_to_come_back_has_its_meaning() {
    let bounce = |kind: &str, part: &str, message: &str| json!({"type": "email.bounced", "data": {"bounce": {"type": kind, "subType": part, "message": message}}});
    assert_kinds(vec![
        (
            bounce("Permanent", "General", ""),
            "bounced (Hard)",
            "recipient fault General",
        ),
        (
            bounce("Permanent", "Suppressed", ""),
            "bounced (Suppressed)",
            "recipient fault suppressed",
        ),
        (
            bounce(
                "Permanent",
                "General",
                "Resend has suppressed sending to this address",
            ),
            "bounced (Suppressed)",
            "recipient fault suppressed",
        ),
        (
            bounce("Transient", "MailboxFull", ""),
            "bounced (Soft)",
            "provider fault MailboxFull",
        ),
        (
            bounce("Transient", "ContentRejected", ""),
            "bounced (Blocked)",
            "request fault ContentRejected",
        ),
        (
            bounce("Undetermined", "Undetermined", ""),
            "bounced (Soft)",
            "provider fault Undetermined",
        ),
    ]);
}

#[test]
fn both_secrets_count_while_one_is_replaced() {
    let both = parser(OTHER)
        .or_secret(format!("whsec_{SECRET}"))
        .expect("a secret");
    assert!(signed(&delivered(), NOW).parsed_by(&both, NOW).is_ok());
    let late = NOW + Duration::from_secs(3_000);
    assert!(signed(&delivered(), NOW).parsed_by(&both, late).is_err());
    let patient = both.max_age(Duration::from_secs(3_600));
    assert!(signed(&delivered(), NOW).parsed_by(&patient, late).is_ok());
    assert!(ResendWebhook::new("resend", "whsec_short").is_err());
}
