//! Reports of SMS.ru.

use aws_lc_rs::digest::{SHA256, digest};
use notify_core::clock::Timestamp;
use notify_core::provider::{Parsed, ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_providers::sms::sms_ru::SmsRuWebhook;
use std::sync::Arc;
use std::time::Duration;

const API_ID: &str = "api-id-of-the-account";
const URL: &str = "https://example.com/hooks/sms_ru";

/// Records as the vendor signs them; the last one is written first, for their order is that of their numbers.
fn request(records: &[&str]) -> SignedRequest {
    let hash = digest(&SHA256, format!("{API_ID}{}", records.concat()).as_bytes());
    let hash: String = hash
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (no, record) in records.iter().enumerate().rev() {
        form.append_pair(&format!("data[{no}]"), record);
    }
    let body = form.append_pair("hash", &hash).finish();
    SignedRequest::post(URL, body).with_header("Content-Type", "application/x-www-form-urlencoded")
}

fn status(status: &str) -> String {
    format!("sms_status\n000000-10000000\n{status}\n1767225600")
}

struct Reports;

impl WebhookHarness for Reports {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SmsRuWebhook::new("sms_ru", API_ID))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SmsRuWebhook::new("sms_ru", "another-api-id"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(request(&[&status("103")])),
            Sample::Ping => Some(request(&["test"])),
            Sample::Two => Some(request(&[&status("102"), &status("103")])),
            Sample::UnknownKind => Some(request(&["moon_phase\n1\n2"])),
            _ => None,
        }
    }

    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        let body = String::from_utf8(request.body).expect("a form");
        let (body, _) = body.split_once("&hash=").expect("a signature");
        request.body = body.as_bytes().to_vec();
        request
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    /// Fields beside the records are not signed, and not read.
    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![API_ID.to_owned(), "another-api-id".to_owned()]
    }
}

mod suite {
    use super::*;
    notify_core::webhook_tests!(Reports);
}

fn parsed(request: &SignedRequest) -> Result<Parsed, WebhookError> {
    request.parsed_by(&*Reports.parser(), Timestamp::EPOCH)
}

fn event(record: &str) -> ProviderEvent {
    parsed(&request(&[record]))
        .expect("is signed")
        .events
        .remove(0)
}

#[test]
fn the_answer_is_the_vendors_word_for_heard() {
    for records in [&["test"][..], &[&status("103")]] {
        let reply = parsed(&request(records)).expect("is signed").reply;
        let reply = reply.expect("is wanted");
        assert_eq!((reply.status, reply.body.as_slice()), (200, &b"100"[..]));
    }
}

#[test]
fn a_report_names_message_status_and_time() {
    let event = event(&status("103"));
    assert_eq!(event.message_id.as_deref(), Some("000000-10000000"));
    assert_eq!(event.event_id.as_deref(), Some("000000-10000000:103"));
    assert_eq!(event.at.to_string(), "2026-01-01T00:00:00Z");
    assert_eq!(event.raw["type"], "sms_status");
}

#[test]
fn more_than_ten_records_are_in_the_order_of_their_numbers() {
    let records: Vec<_> = (0..12)
        .map(|no| format!("sms_status\nid-{no}\n103\n"))
        .collect();
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let events = parsed(&request(&records)).expect("is signed").events;
    let ids: Vec<_> = events
        .iter()
        .filter_map(|event| event.message_id.as_deref())
        .collect();
    assert_eq!(ids.len(), 12);
    assert_eq!((ids[2], ids[10], ids[11]), ("id-2", "id-10", "id-11"));
}

#[test]
fn records_cannot_be_changed_taken_away_or_added() {
    let good = request(&[&status("102"), &status("103")]);
    let text = String::from_utf8(good.body.clone()).expect("a form");
    for (from, to) in [
        ("%0A103%0A", "%0A104%0A"),
        ("data%5B0%5D=", "date%5B0%5D="),
        ("&hash=", "&data%5B2%5D=test&hash="),
        ("&hash=", "&hash=00&hash="),
    ] {
        let mut changed = good.clone();
        changed.body = text.replacen(from, to, 1).into_bytes();
        assert_ne!(changed.body, good.body, "{from}");
        assert_eq!(parsed(&changed), Err(WebhookError::Unauthorized), "{to}");
    }
    let empty = SmsRuWebhook::new("sms_ru", "");
    let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let request = SignedRequest::post(URL, format!("hash={nothing}"));
    let refused = request.parsed_by(&empty, Timestamp::EPOCH);
    assert_eq!(refused, Err(WebhookError::Unauthorized), "an empty key");
}

#[test]
fn each_status_has_its_meaning() {
    for (code, kind, fault) in [
        ("100", "accepted", ""),
        ("101", "accepted", ""),
        ("102", "accepted", ""),
        ("103", "delivered", ""),
        ("104", "failed", "provider fault 104"),
        ("105", "failed", "request fault 105"),
        ("106", "bounced (Soft)", "provider fault 106"),
        ("107", "failed", "provider fault 107"),
        ("108", "bounced (Blocked)", "request fault 108"),
        ("110", "opened", ""),
        ("130", "failed", "request fault 130"),
        ("150", "failed", "request fault 150"),
        ("-1", "unknown", ""),
        ("", "unknown", ""),
    ] {
        let event = event(&status(code));
        assert_eq!(format!("{:?}", event.kind), kind, "{code}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{code}");
    }
    assert_eq!(event("callcheck_status\n1\n401\n").kind.as_str(), "unknown");
}

#[test]
fn both_keys_count_while_one_is_replaced() {
    let parser = SmsRuWebhook::new("sms_ru", "new").or_api_id(API_ID);
    let request = request(&[&status("103")]);
    assert!(request.parsed_by(&parser, Timestamp::EPOCH).is_ok());
}
