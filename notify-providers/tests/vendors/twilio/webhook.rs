//! Twilio's callbacks.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::sms::twilio::TwilioWebhook;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "12345";
const URL: &str =
    "https://example.com/hooks/twilio?delivery_id=00000000-0000-0000-0000-000000000007";
const SIGNATURE: &str = "X-Twilio-Signature";
const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

fn signature(signed: &str) -> String {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, TOKEN.as_bytes());
    STANDARD.encode(sign(&key, signed.as_bytes()))
}

/// A form as the vendor signs it.
fn form(pairs: &[(&str, &str)]) -> SignedRequest {
    let mut sorted = pairs.to_vec();
    sorted.sort_unstable();
    let joined: String = sorted
        .iter()
        .map(|(name, value)| format!("{name}{value}"))
        .collect();
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    SignedRequest::post(URL, body)
        .with_header("Content-Type", FORM)
        .with_header(SIGNATURE, signature(&format!("{URL}{joined}")))
}

fn status(status: &str) -> SignedRequest {
    let pairs = [
        ("SmsSid", "SM42"),
        ("SmsStatus", status),
        ("MessageStatus", status),
        ("To", "+15622089096"),
        ("MessageSid", "SM42"),
        ("AccountSid", "AC1"),
        ("From", "+16232320112"),
        ("ApiVersion", "2010-04-01"),
    ];
    form(&pairs)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// JSON as the vendor signs it.
fn json_request(body: String) -> SignedRequest {
    let url = format!(
        "{URL}&bodySHA256={}",
        hex(digest(&SHA256, body.as_bytes()).as_ref())
    );
    let signature = signature(&url);
    SignedRequest::post(url, body)
        .with_header("Content-Type", "application/json")
        .with_header(SIGNATURE, signature)
}

struct Forms;
struct Json;

impl WebhookHarness for Forms {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(TwilioWebhook::new("twilio", TOKEN))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(TwilioWebhook::new("twilio", "54321"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(status("delivered")),
            Sample::UnknownKind => Some(status("moon_phase")),
            _ => None,
        }
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned(), "54321".to_owned()]
    }
}

impl WebhookHarness for Json {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Forms.parser()
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Forms.stranger()
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        let event = |id: &str, status: &str| json!({"MessageSid": id, "MessageStatus": status, "To": "+15622089096"});
        let body = match sample {
            Sample::One => event("SM1", "delivered"),
            Sample::Two => json!([event("SM1", "delivered"), event("SM2", "sent")]),
            Sample::UnknownKind => event("SM1", "moon_phase"),
            _ => return None,
        };
        Some(json_request(body.to_string()))
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        Forms.secrets()
    }
}

mod forms {
    use super::*;
    notify_core::webhook_tests!(Forms);
}

mod json_bodies {
    use super::*;
    notify_core::webhook_tests!(Json);
}

fn parsed(request: &SignedRequest) -> Result<Vec<ProviderEvent>, WebhookError> {
    let parsed = request.parsed_by(&*Forms.parser(), Timestamp::EPOCH);
    parsed.map(|parsed| parsed.events)
}

fn event(request: &SignedRequest) -> ProviderEvent {
    parsed(request).expect("is signed").remove(0)
}

/// Source: the tests of `request_validator` of github.com/twilio/twilio-python, which are the example of Twilio's documentation.
#[test]
fn the_vendors_own_form_is_read() {
    let pairs = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
        ("Caller", "+14158675309"),
    ];
    let request = |url: &str, pairs: &[(&str, &str)]| {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        SignedRequest::post(url, body)
            .with_header("Content-Type", FORM)
            .with_header(SIGNATURE, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    };
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let port = "https://mycompany.com:443/myapp.php?foo=1&bar=2";
    for good in [url, port] {
        assert!(parsed(&request(good, &pairs)).is_ok(), "{good}");
    }
    let mut other_case = pairs;
    other_case[1].0 = "digits";
    for bad in [
        request(url, &pairs[1..]),
        request(url, &other_case),
        request(&format!("{url}&more=1"), &pairs),
        request("http://mycompany.com/myapp.php?foo=1&bar=2", &pairs),
        request("https://mycompany.com/myapp.php?bar=2&foo=1", &pairs),
    ] {
        assert_eq!(parsed(&bad), Err(WebhookError::Unauthorized), "{bad:?}");
    }
}

/// Source: as above.
#[test]
fn the_vendors_own_json_is_read() {
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let url = format!("https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256={hash}");
    let request = |body: &str| {
        SignedRequest::post(url.as_str(), body)
            .with_header("Content-Type", "application/json")
            .with_header(SIGNATURE, "a9nBmqA0ju/hNViExpshrM61xv4=")
    };
    assert!(parsed(&request(r#"{"property": "value", "boolean": true}"#)).is_ok());
    for bad in [r#"{"property": "value", "boolean": false}"#, "{}"] {
        assert_eq!(
            parsed(&request(bad)),
            Err(WebhookError::Unauthorized),
            "{bad}"
        );
    }
}

#[test]
fn a_signed_url_does_not_vouch_for_a_body() {
    // A callback by GET is signed by its URL alone; whoever saw one must not be able to add a body.
    let mut request = SignedRequest::post(URL, "").with_header(SIGNATURE, signature(URL));
    request.method = "GET".to_owned();
    assert!(parsed(&request).is_ok());
    request.method = "POST".to_owned();
    request.body = br#"{"MessageStatus":"delivered"}"#.to_vec();
    let request = request.with_header("Content-Type", "application/json");
    assert_eq!(parsed(&request), Err(WebhookError::Unauthorized));
}

#[test]
fn an_event_finds_its_delivery_and_is_told_apart_by_its_status() {
    let event = event(&status("delivered"));
    assert_eq!(event.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(event.message_id.as_deref(), Some("SM42"));
    assert_eq!(event.event_id.as_deref(), Some("SM42:delivered"));
    assert_eq!(event.address, Some(Address::phone("+15622089096")));
    assert_eq!(event.raw["AccountSid"], "AC1");
}

#[test]
fn each_status_has_its_meaning() {
    for (status, code, kind, fault) in [
        ("accepted", "", "accepted", ""),
        ("scheduled", "", "accepted", ""),
        ("queued", "", "accepted", ""),
        ("sending", "", "accepted", ""),
        ("sent", "", "accepted", ""),
        ("delivered", "", "delivered", ""),
        ("read", "", "opened", ""),
        (
            "undelivered",
            "30005",
            "bounced (Hard)",
            "recipient fault 30005",
        ),
        (
            "undelivered",
            "30003",
            "bounced (Soft)",
            "provider fault 30003",
        ),
        (
            "undelivered",
            "30007",
            "bounced (Blocked)",
            "request fault 30007",
        ),
        (
            "failed",
            "21610",
            "bounced (Suppressed)",
            "recipient fault 21610",
        ),
        ("failed", "30034", "failed", "config fault 30034"),
        ("failed", "99999", "failed", "request fault 99999"),
        ("failed", "+15550100", "failed", "request fault undelivered"),
        ("canceled", "", "failed", "request fault canceled"),
        ("partially_delivered", "", "unknown", ""),
    ] {
        let event = event(&form(&[
            ("MessageSid", "SM1"),
            ("MessageStatus", status),
            ("ErrorCode", code),
        ]));
        assert_eq!(format!("{:?}", event.kind), kind, "{status} {code}");
        let found = event.fault.map(|fault| fault.to_string());
        assert_eq!(found.unwrap_or_default(), fault, "{status} {code}");
    }
}

#[test]
fn stop_and_start_are_what_people_want() {
    for (body, opt_out, kind) in [
        ("STOP", "", "unsubscribed"),
        (" stop\n", "", "unsubscribed"),
        ("Unsubscribe", "", "unsubscribed"),
        ("arrêt", "STOP", "unsubscribed"),
        ("start", "", "resubscribed"),
        ("weiter", "START", "resubscribed"),
        ("aide", "HELP", "replied"),
        ("stop it, please", "", "replied"),
        ("", "", "replied"),
    ] {
        let request = form(&[
            ("MessageSid", "SM1"),
            ("SmsStatus", "received"),
            ("From", "+15550100"),
            ("To", "+15550199"),
            ("Body", body),
            ("OptOutType", opt_out),
        ]);
        let event = event(&request);
        assert_eq!(event.kind.as_str(), kind, "{body}");
        assert_eq!(
            event.address,
            Some(Address::phone("+15550100")),
            "who wrote"
        );
    }
}

#[test]
fn both_tokens_count_while_one_is_replaced() {
    let parser = TwilioWebhook::new("twilio", "new").or_token(TOKEN);
    let request = status("delivered");
    assert!(request.parsed_by(&parser, Timestamp::EPOCH).is_ok());
}
