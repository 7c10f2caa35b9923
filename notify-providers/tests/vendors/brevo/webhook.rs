//! Brevo's events.

use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::WebhookSecret;
use notify_providers::email::brevo::BrevoWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "token-of-the-webhook";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn parser(token: &str) -> BrevoWebhook {
    BrevoWebhook::new("brevo", WebhookSecret::bearer(token))
}

fn request(body: &Value) -> SignedRequest {
    SignedRequest::post("https://example.com/hooks/brevo", body.to_string())
        .with_header("Content-Type", "application/json")
        .with_header("Authorization", format!("Bearer {TOKEN}"))
}

/// With the fields of the vendor's documentation.
fn delivered(time: i64) -> Value {
    json!({
        "id": 814_119, "email": "ada@example.org", "message-id": "<202305311313.14119@smtp-relay.mailin.fr>",
        "event": "delivered", "subject": "Subject Line", "date": "2025-12-31 22:59:59", "ts": 1_685_543_827,
        "ts_event": 1_685_543_827, "ts_epoch": time, "tags": ["orders"], "tag": "[\"orders\"]",
        "X-Mailin-custom": "{\"delivery_id\":\"00000000-0000-0000-0000-000000000007\"}",
    })
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser(TOKEN))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser("token-of-a-stranger"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        let body = match sample {
            Sample::One => delivered(1_767_225_599_126),
            Sample::Two => json!([delivered(1_767_225_599_126), delivered(1_767_225_599_127)]),
            Sample::UnknownKind => json!({"event": "moon_phase"}),
            Sample::Ping => json!([]),
            _ => return None,
        };
        Some(request(&body))
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned(), "token-of-a-stranger".to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn event(raw: &Value) -> ProviderEvent {
    let parsed = request(raw).parsed_by(&parser(TOKEN), NOW);
    parsed.expect("has the token").events.remove(0)
}

#[test]
fn an_event_finds_its_delivery() {
    let found = event(&delivered(1_767_225_599_126));
    assert_eq!(found.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(
        found.message_id.as_deref(),
        Some("202305311313.14119@smtp-relay.mailin.fr")
    );
    let id = "202305311313.14119@smtp-relay.mailin.fr:delivered:1767225599126";
    assert_eq!(found.event_id.as_deref(), Some(id));
    assert_eq!(found.address, Some(Address::email("ada@example.org")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_599_126_000));
}

#[test]
fn each_kind_has_its_meaning() {
    let named = |name: &str| json!({"event": name});
    let because = |name: &str, reason: &str| json!({"event": name, "reason": reason});
    for (raw, kind, fault) in [
        (named("request"), "accepted", ""),
        (named("delivered"), "delivered", ""),
        (
            because("deferred", "421 4.7.0 try later"),
            "deferred",
            "provider fault 4.7.0",
        ),
        (
            because("hard_bounce", "550 5.1.1 unknown"),
            "bounced (Hard)",
            "recipient fault 5.1.1",
        ),
        (
            because("hard_bounce", "550 unknown"),
            "bounced (Hard)",
            "recipient fault 550",
        ),
        (
            because("hard_bounce", "ada@example.org unknown"),
            "bounced (Hard)",
            "recipient fault hard_bounce",
        ),
        (
            named("invalid_email"),
            "bounced (Hard)",
            "recipient fault invalid_email",
        ),
        (
            named("soft_bounce"),
            "bounced (Soft)",
            "provider fault soft_bounce",
        ),
        (
            named("blocked"),
            "bounced (Suppressed)",
            "recipient fault blocked",
        ),
        (named("error"), "failed", "provider fault error"),
        (named("opened"), "opened", ""),
        (named("unique_opened"), "opened", ""),
        (
            json!({"event": "click", "link": "https://example.com/"}),
            "clicked",
            "",
        ),
        (named("spam"), "complained", ""),
        (named("complaint"), "complained", ""),
        (named("unsubscribed"), "unsubscribed", ""),
        (named("proxy_open"), "unknown", ""),
        (named("unique_proxy_open"), "unknown", ""),
        (json!({}), "unknown", ""),
    ] {
        let found = event(&raw);
        assert_eq!(format!("{:?}", found.kind), kind, "{raw}");
        let shown = found.fault.map(|fault| fault.to_string());
        assert_eq!(shown.unwrap_or_default(), fault, "{raw}");
    }
    assert!(request(&json!(17)).parsed_by(&parser(TOKEN), NOW).is_err());
}

#[test]
fn both_secrets_count_while_one_is_replaced() {
    let both = parser("new").or_secret(WebhookSecret::bearer(TOKEN));
    assert!(request(&delivered(1)).parsed_by(&both, NOW).is_ok());
}
