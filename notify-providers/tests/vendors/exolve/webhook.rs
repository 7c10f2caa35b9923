//! Exolve's reports and incoming messages.

use notify_core::Address;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_providers::sms::exolve::ExolveWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "secret-in-the-url";
const URL: &str = "https://example.com/hooks/exolve";

fn request(body: &Value) -> SignedRequest {
    SignedRequest::post(format!("{URL}?secret={SECRET}"), body.to_string())
        .with_header("Content-Type", "application/json")
}

fn report(status: &str) -> Value {
    json!({
        "event_id": "DLR", "message_id": "439166538239448536", "date": "2026-01-01T03:00:00+03:00",
        "number": "79990000000", "sender": "79990000000", "receiver": "79160000007",
        "direction": "OUTGOING", "message_type": "DLR", "text": "STOP", "delivery_status": status,
    })
}

struct Reports;

impl WebhookHarness for Reports {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(ExolveWebhook::new("exolve", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(ExolveWebhook::new("exolve", "another-secret"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(request(&report("DELIVERED"))),
            Sample::UnknownKind => Some(request(&report("moon_phase"))),
            _ => None,
        }
    }

    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        request.url = URL.to_owned();
        request
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

fn event(body: &Value) -> ProviderEvent {
    parsed(&request(body)).expect("knows the secret").remove(0)
}

#[test]
fn a_report_names_message_number_and_time() {
    let event = event(&report("DELIVERED"));
    assert_eq!(event.message_id.as_deref(), Some("439166538239448536"));
    assert_eq!(
        event.event_id.as_deref(),
        Some("439166538239448536:DELIVERED")
    );
    assert_eq!(event.address, Some(Address::phone("+79160000007")));
    assert_eq!(event.at.to_string(), "2026-01-01T00:00:00Z");
}

#[test]
fn each_status_has_its_meaning_however_it_is_written() {
    for (status, kind, fault) in [
        ("ACCEPTED", "accepted", ""),
        ("MT_STATUS_SENT", "accepted", ""),
        ("enroute", "accepted", ""),
        ("DELIVERED", "delivered", ""),
        ("DELIVRD", "delivered", ""),
        ("MT_STATUS_DELIVERED", "delivered", ""),
        ("EXPIRED", "failed", "provider fault expired"),
        ("Rejected", "failed", "request fault rejected"),
        ("UNDELIVERED", "failed", "provider fault undelivered"),
        ("UNDELIV", "failed", "provider fault undelivered"),
        ("DELETED", "failed", "provider fault deleted"),
        ("FAILED", "failed", "provider fault failed"),
        ("UNKNOWN", "unknown", ""),
        ("", "unknown", ""),
    ] {
        let event = event(&report(status));
        assert_eq!(format!("{:?}", event.kind), kind, "{status}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{status}");
    }
}

#[test]
fn stop_and_start_are_what_people_want() {
    for (text, kind) in [
        ("СТОП", "unsubscribed"),
        ("start", "resubscribed"),
        ("да", "replied"),
    ] {
        let event = event(&json!({
            "message_id": "1", "sender": "79160000007", "receiver": "79990000000",
            "direction": "INCOMING", "text": text, "delivery_status": "DELIVERED",
        }));
        assert_eq!(event.kind.as_str(), kind, "{text}");
        assert_eq!(
            event.address,
            Some(Address::phone("+79160000007")),
            "who wrote"
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_and_only_to_who_knows_the_secret() {
    let mut bad = request(&json!(null));
    bad.body = b"{".to_vec();
    assert!(matches!(parsed(&bad), Err(WebhookError::Malformed(_))));
    bad.url = URL.to_owned();
    assert_eq!(parsed(&bad), Err(WebhookError::Unauthorized));
    for nothing in [json!(null), json!([]), json!("a"), json!({})] {
        assert_eq!(event(&nothing).kind.as_str(), "unknown");
    }
    let parser = ExolveWebhook::new("exolve", "new").or_secret(SECRET);
    let request = request(&report("DELIVERED"));
    assert!(request.parsed_by(&parser, Timestamp::EPOCH).is_ok());
}
