//! MegaFon's reports.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::sms::megafon::MegafonWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "secret-in-the-url";
const URL: &str =
    "https://example.com/hooks/megafon?delivery_id=00000000-0000-0000-0000-000000000007";

/// A request to a URL with a password, which the vendor sends as Basic authentication.
fn request(body: &Value) -> SignedRequest {
    let login = STANDARD.encode(format!("megafon:{SECRET}"));
    SignedRequest::post(URL, body.to_string())
        .with_header("Content-Type", "application/json")
        .with_header("Authorization", format!("Basic {login}"))
}

fn report(status: &str) -> Value {
    json!({"msg_id": "m-1", "status": status, "receipted_time": "2026-01-01T00:00:00Z", "to": 79_260_000_007_u64})
}

struct Reports;

impl WebhookHarness for Reports {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(MegafonWebhook::new("megafon", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(MegafonWebhook::new("megafon", "another-secret"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(request(&report("delivered"))),
            Sample::UnknownKind => Some(request(&report("moon_phase"))),
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
        vec![SECRET.to_owned(), "another-secret".to_owned()]
    }
}

mod suite {
    use super::*;
    notify_core::webhook_tests!(Reports);
}

fn parsed(request: &SignedRequest) -> Result<Vec<ProviderEvent>, WebhookError> {
    let parsed = request.parsed_by(&*Reports.parser(), Timestamp::EPOCH);
    parsed.map(|parsed| parsed.events)
}

#[test]
fn a_report_finds_message_and_delivery() {
    let mut by_query = request(&report("delivered"));
    by_query.headers.pop();
    by_query.url.push_str(&format!("&secret={SECRET}"));
    for request in [request(&report("delivered")), by_query] {
        let event = parsed(&request).expect("knows the secret").remove(0);
        assert_eq!(event.kind.as_str(), "delivered");
        assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
        assert_eq!(event.message_id.as_deref(), Some("m-1"));
        assert_eq!(event.event_id.as_deref(), Some("m-1:delivered"));
        assert_eq!(event.address, Some(Address::phone("+79260000007")));
        assert_eq!(event.at.to_string(), "2026-01-01T00:00:00Z");
    }
}

#[test]
fn each_status_has_its_meaning() {
    for (status, kind) in [
        ("accepted", "accepted"),
        ("delivered", "delivered"),
        ("expired", "failed"),
        ("rejected", "failed"),
        ("undeliverable", "failed"),
        ("deleted", "failed"),
        ("unknown", "unknown"),
    ] {
        let event = parsed(&request(&report(status)))
            .expect("knows the secret")
            .remove(0);
        assert_eq!(event.kind.as_str(), kind, "{status}");
        assert_eq!(event.fault.is_some(), kind == "failed", "{status}");
    }
    let nothing = parsed(&request(&json!({}))).expect("knows the secret");
    assert_eq!(nothing[0].kind.as_str(), "unknown");
}

#[test]
fn both_secrets_count_while_one_is_replaced() {
    let parser = MegafonWebhook::new("megafon", "new").or_secret(SECRET);
    let request = request(&report("delivered"));
    assert!(request.parsed_by(&parser, Timestamp::EPOCH).is_ok());
    let stranger = MegafonWebhook::new("megafon", "new");
    let refused = request.parsed_by(&stranger, Timestamp::EPOCH);
    assert_eq!(refused, Err(WebhookError::Unauthorized));
}
