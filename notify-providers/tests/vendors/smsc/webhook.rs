//! SMSC's reports.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use notify_core::Address;
use notify_core::Message;
use notify_core::channel::SmsMessage;
use notify_core::clock::Timestamp;
use notify_core::provider::{Envelope, Provider as _, ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_providers::sms::smsc::{SmscProvider, SmscWebhook};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

use crate::support::http::{FakeVendor, Reply};

const SECRET: &str = "secret-of-the-handler";
const URL: &str = "https://example.com/hooks/smsc";

fn sha1(text: &str) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    hash.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn encoded(pairs: &[(&str, &str)], signed: &[&str]) -> String {
    let sha1 = sha1(&format!("{}:{SECRET}", signed.join(":")));
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .append_pair("md5", "00000000000000000000000000000000")
        .append_pair("sha1", &sha1)
        .finish()
}

fn post(body: String) -> SignedRequest {
    SignedRequest::post(URL, body).with_header("Content-Type", "application/x-www-form-urlencoded")
}

/// A report as the vendor writes it.
fn status(status: &str, err: &str) -> SignedRequest {
    let pairs = [
        ("id", "1234"),
        ("phone", "79990000007"),
        ("status", status),
        ("time", "01.01.2026 03:00:00"),
        ("ts", "1767225600"),
        ("err", err),
        ("cnt", "1"),
    ];
    post(encoded(&pairs, &["1234", "79990000007", status]))
}

struct Signed;
struct ByUrl;

impl WebhookHarness for Signed {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SmscWebhook::new("smsc", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SmscWebhook::new("smsc", "another secret"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(status("1", "0")),
            Sample::UnknownKind => Some(status("77", "0")),
            _ => None,
        }
    }

    fn unsigned(&self, mut request: SignedRequest) -> SignedRequest {
        let body = String::from_utf8(request.body).expect("a form");
        let (body, _) = body.split_once("&sha1=").expect("a signature");
        request.body = body.as_bytes().to_vec();
        request
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned(), "another secret".to_owned()]
    }
}

impl WebhookHarness for ByUrl {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SmscWebhook::by_url("smsc", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(SmscWebhook::by_url("smsc", "another secret"))
    }

    fn request(&self, sample: Sample, at: Timestamp) -> Option<SignedRequest> {
        let mut request = Signed.unsigned(Signed.request(sample, at)?);
        request.url = format!("{URL}?secret={SECRET}");
        Some(request)
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
        Signed.secrets()
    }
}

mod signed {
    use super::*;
    notify_core::webhook_tests!(Signed);
}

mod by_url {
    use super::*;
    notify_core::webhook_tests!(ByUrl);
}

fn parsed(request: &SignedRequest) -> Result<Vec<ProviderEvent>, WebhookError> {
    let parsed = request.parsed_by(&*Signed.parser(), Timestamp::EPOCH);
    parsed.map(|parsed| parsed.events)
}

fn event(request: &SignedRequest) -> ProviderEvent {
    parsed(request).expect("is signed").remove(0)
}

#[tokio::test]
async fn a_report_finds_the_message_that_was_sent() {
    let fake = FakeVendor::start(|_| Reply::json(200, json!({"id": 1234, "cnt": 1})));
    let provider = SmscProvider::builder("alex", "password").http(fake.options());
    let provider = provider.build().expect("builds");
    let message = Message::new(SmsMessage::new("a"));
    let sent = Envelope::new("key", Address::phone("+79990000007"), message);
    let receipt = provider.send(&sent).await.expect("is taken");
    let event = event(&status("1", "0"));
    assert_eq!(event.message_id, receipt.message_id);
    assert_eq!(event.address, Some(Address::phone("+79990000007")));
    assert_eq!(event.at.to_string(), "2026-01-01T00:00:00Z");
    let id = event.message_id.expect("an id");
    assert_eq!(event.event_id, Some(format!("{id}:1")));
}

#[test]
fn what_was_signed_cannot_be_changed() {
    let good = String::from_utf8(status("1", "0").body).expect("a form");
    for (from, to) in [
        ("id=1234", "id=1235"),
        ("phone=79990000007", "phone=79990000008"),
        ("status=1", "status=2"),
        ("sha1=", "sha256="),
    ] {
        let changed = good.replacen(from, to, 1);
        assert_ne!(changed, good);
        assert_eq!(
            parsed(&post(changed)),
            Err(WebhookError::Unauthorized),
            "{to}"
        );
    }
}

#[test]
fn each_status_has_its_meaning() {
    for (code, err, kind, fault) in [
        ("-1", "0", "accepted", ""),
        ("0", "0", "accepted", ""),
        ("1", "0", "delivered", ""),
        ("2", "0", "opened", ""),
        ("4", "0", "clicked", ""),
        ("-2", "0", "failed", "request fault stopped"),
        ("3", "0", "failed", "provider fault expired"),
        ("20", "1", "bounced (Hard)", "recipient fault err_1"),
        ("20", "13", "bounced (Hard)", "recipient fault err_13"),
        ("20", "6", "bounced (Soft)", "provider fault err_6"),
        ("20", "253", "bounced (Blocked)", "request fault err_253"),
        ("20", "254", "failed", "config fault err_254"),
        ("20", "248", "failed", "request fault err_248"),
        ("20", "777", "failed", "provider fault err_777"),
        ("20", "+79990000007", "failed", "provider fault undelivered"),
        ("22", "0", "bounced (Hard)", "recipient fault status_22"),
        ("23", "0", "bounced (Blocked)", "request fault status_23"),
        ("24", "0", "failed", "config fault status_24"),
        ("25", "248", "failed", "request fault status_25"),
        ("-3", "0", "unknown", ""),
    ] {
        let event = event(&status(code, err));
        assert_eq!(format!("{:?}", event.kind), kind, "{code} {err}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{code} {err}");
    }
}

#[test]
fn reports_and_answers_come_by_get_too() {
    let pairs = [("id", "1234"), ("phone", "79990000007"), ("status", "1")];
    let query = encoded(&pairs, &["1234", "79990000007", "1"]);
    let mut request = SignedRequest::post(format!("{URL}?{query}"), "");
    request.method = "GET".to_owned();
    assert_eq!(event(&request).kind.as_str(), "delivered");

    for (text, kind) in [("СТОП", "unsubscribed"), ("да", "replied")] {
        let pairs = [
            ("phone", "79990000007"),
            ("mes", text),
            ("to", "79160000000"),
        ];
        let signed = ["79990000007", text, "79160000000"];
        let event = event(&post(encoded(&pairs, &signed)));
        assert_eq!(event.kind.as_str(), kind, "{text}");
        assert_eq!(event.address, Some(Address::phone("+79990000007")));
        assert_eq!(event.message_id, None);
    }
    let pairs = [("phone", "79990000007"), ("waitcall", "1"), ("ts", "17")];
    let call = post(encoded(&pairs, &["79990000007", "17"]));
    assert_eq!(event(&call).kind.as_str(), "unknown");
}

#[test]
fn both_secrets_count_while_one_is_replaced_and_an_empty_one_never() {
    let parser = SmscWebhook::new("smsc", "new").or_secret(SECRET);
    assert!(
        status("1", "0")
            .parsed_by(&parser, Timestamp::EPOCH)
            .is_ok()
    );
    let empty = SmscWebhook::new("smsc", "");
    let sha1 = sha1("1:2:3:");
    let request = post(format!("id=1&phone=2&status=3&sha1={sha1}"));
    let refused = request.parsed_by(&empty, Timestamp::EPOCH);
    assert_eq!(refused, Err(WebhookError::Unauthorized));
}
