//! WhatsApp's statuses, and what people answer.

use aws_lc_rs::hmac;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, ProviderEventKind, Reply, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::chat::whatsapp::WhatsAppWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "test-app-secret-of-meta";
const VERIFY: &str = "test-verify-token";
const DELIVERY: &str = "00000000-0000-0000-0000-000000000007";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn sign(body: &Value) -> SignedRequest {
    let body = body.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    SignedRequest::post("https://example.com/hooks/whatsapp", body)
        .with_header("Content-Type", "application/json")
        .with_header("X-Hub-Signature-256", format!("sha256={hex}"))
}

/// After the vendor's "Webhooks: components": one change with this under its value.
fn change(field: &str, name: &str, items: Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550199", "phone_number_id": "106540352242922"},
    });
    value[name] = items;
    json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": "102290129340398", "changes": [{"field": field, "value": value}]}],
    })
}

fn status(status: &str) -> Value {
    json!({
        "id": "wamid.HBgL", "status": status, "timestamp": "1767225599", "recipient_id": "15550100",
        "biz_opaque_callback_data": DELIVERY,
        "conversation": {"id": "c-1", "origin": {"type": "utility"}}, "pricing": {"billable": true, "category": "utility"},
    })
}

fn failed(code: u32) -> Value {
    let mut failed = status("failed");
    failed["errors"] = json!([{"code": code, "title": "No", "error_data": {"details": "No"}}]);
    failed
}

fn question(token: &str) -> SignedRequest {
    let url = format!(
        "https://example.com/hooks/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}"
    );
    let mut request = SignedRequest::post(url, "");
    request.method = "GET".to_owned();
    request
}

fn parser() -> WhatsAppWebhook {
    WhatsAppWebhook::new("whatsapp", SECRET, VERIFY)
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser())
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(WhatsAppWebhook::new(
            "whatsapp",
            "another secret",
            "another token",
        ))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        Some(match sample {
            Sample::One => sign(&change(
                "messages",
                "statuses",
                json!([status("delivered")]),
            )),
            Sample::Two => sign(&change(
                "messages",
                "statuses",
                json!([status("sent"), status("read")]),
            )),
            Sample::UnknownKind => sign(&change("moon_phase", "moon", json!({"full": true}))),
            Sample::Ping => question(VERIFY),
            _ => return None,
        })
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned(), VERIFY.to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn event(field: &str, name: &str, item: Value) -> ProviderEvent {
    let parsed = sign(&change(field, name, json!([item]))).parsed_by(&parser(), NOW);
    let mut events = parsed.expect("is signed").events;
    assert_eq!(events.len(), 1);
    events.remove(0)
}

#[test]
fn a_status_finds_its_delivery() {
    let event = event("messages", "statuses", status("delivered"));
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.message_id.as_deref(), Some("wamid.HBgL"));
    assert_eq!(event.event_id.as_deref(), Some("wamid.HBgL:delivered"));
    assert_eq!(event.address, Some(Address::new("whatsapp", "+15550100")));
    assert_eq!(event.at, Timestamp::from_micros(1_767_225_599_000_000));
}

#[test]
fn each_status_has_its_meaning() {
    for (raw, kind, fault) in [
        (status("sent"), "accepted", ""),
        (status("delivered"), "delivered", ""),
        (status("read"), "opened", ""),
        (status("played"), "opened", ""),
        (failed(131_026), "bounced (Hard)", "recipient fault 131026"),
        (
            failed(131_050),
            "bounced (Suppressed)",
            "recipient fault 131050",
        ),
        (failed(131_047), "failed", "request fault 131047"),
        (failed(131_049), "failed", "request fault 131049"),
        (failed(131_042), "failed", "config fault 131042"),
        (failed(131_000), "failed", "provider fault 131000"),
        (failed(131_056), "failed", "provider fault 131056"),
        (failed(999_999), "failed", "request fault 999999"),
        (status("failed"), "failed", "request fault failed"),
        (status("deleted"), "unknown", ""),
    ] {
        let event = event("messages", "statuses", raw.clone());
        assert_eq!(format!("{:?}", event.kind), kind, "{raw}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{raw}");
    }
}

fn said(kind: &str, content: Value) -> Value {
    let mut message = json!({
        "id": "wamid.IN", "from": "15550100", "timestamp": 1_767_225_599, "type": kind,
        "context": {"from": "15550199", "id": "wamid.HBgL"},
    });
    message[kind] = content;
    message
}

#[test]
fn what_people_answer_has_its_meaning() {
    for (raw, kind) in [
        (said("text", json!({"body": "thanks"})), "replied"),
        (said("text", json!({"body": " stop "})), "unsubscribed"),
        (said("text", json!({"body": "Стоп"})), "unsubscribed"),
        (said("text", json!({"body": "START"})), "resubscribed"),
        (said("text", json!({"body": "stop it"})), "replied"),
        (said("image", json!({"id": "1"})), "replied"),
        (
            said("button", json!({"text": "Yes", "payload": "yes"})),
            "clicked",
        ),
        (
            said(
                "button",
                json!({"text": "Stop promotions", "payload": "stop"}),
            ),
            "unsubscribed",
        ),
        (
            said(
                "interactive",
                json!({"type": "button_reply", "button_reply": {"id": "1"}}),
            ),
            "clicked",
        ),
        (
            said("system", json!({"type": "user_changed_number"})),
            "unknown",
        ),
        (json!({}), "replied"),
    ] {
        let event = event("messages", "messages", raw.clone());
        assert_eq!(format!("{:?}", event.kind), kind, "{raw}");
    }
    let event = event(
        "messages",
        "messages",
        said("text", json!({"body": "thanks"})),
    );
    assert_eq!(
        event.message_id.as_deref(),
        Some("wamid.HBgL"),
        "which it answers"
    );
    assert_eq!(event.event_id.as_deref(), Some("wamid.IN"));
    assert_eq!(event.address, Some(Address::new("whatsapp", "+15550100")));
    assert_eq!(event.at, Timestamp::from_micros(1_767_225_599_000_000));
}

#[test]
fn preferences_are_wishes() {
    for (value, kind) in [
        ("stop", ProviderEventKind::Unsubscribed),
        ("resume", ProviderEventKind::Resubscribed),
        ("dance", ProviderEventKind::unknown("user_preferences")),
    ] {
        let raw = json!({"wa_id": "15550100", "category": "marketing_messages", "value": value, "timestamp": 1_767_225_599});
        let event = event("user_preferences", "user_preferences", raw);
        assert_eq!(event.kind, kind);
        assert_eq!(event.address, Some(Address::new("whatsapp", "+15550100")));
    }
}

#[test]
fn the_question_of_the_set_up_is_answered_with_its_challenge() {
    let parsed = question(VERIFY).parsed_by(&parser(), NOW).expect("is ours");
    assert_eq!(parsed.reply, Some(Reply::text("1158201444")));
    let refused = Err(WebhookError::Unauthorized);
    assert_eq!(question("another").parsed_by(&parser(), NOW), refused);
    assert_eq!(question("").parsed_by(&parser(), NOW), refused);
    let open = WhatsAppWebhook::new("whatsapp", SECRET, "");
    assert_eq!(
        question("").parsed_by(&open, NOW),
        refused,
        "an empty token is none"
    );
    let mut other = question(VERIFY);
    other.url = other.url.replace("subscribe", "unsubscribe");
    assert_eq!(other.parsed_by(&parser(), NOW), refused);
}

#[test]
fn both_secrets_count_while_one_is_replaced() {
    let request = Harness.request(Sample::One, NOW).expect("is there");
    let parser = WhatsAppWebhook::new("whatsapp", "the new one", VERIFY).or_secret(SECRET);
    assert!(request.parsed_by(&parser, NOW).is_ok());
}
