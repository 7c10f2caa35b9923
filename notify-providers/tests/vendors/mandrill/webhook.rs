//! Mandrill's events. There is no published example of a signature: it is made here by the documentation's recipe.

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::clock::Timestamp;
use notify_core::provider::{Parsed, ProviderEvent, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_core::{Address, DeliveryId};
use notify_providers::email::mandrill::MandrillWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "webhook-key-of-mandrill";
const URL: &str = "https://example.com/hooks/mandrill?a=b";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn parser() -> MandrillWebhook {
    MandrillWebhook::new("mandrill", KEY)
}

fn signed_with(events: &Value, key: &str, url: &str) -> SignedRequest {
    let events = events.to_string();
    let text = format!("{url}mandrill_events{events}");
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    let signature = STANDARD.encode(sign(&key, text.as_bytes()));
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("mandrill_events", &events)
        .finish();
    SignedRequest::post(URL, body)
        .with_header(
            "Content-Type",
            "application/x-www-form-urlencoded; charset=utf-8",
        )
        .with_header("X-Mandrill-Signature", signature)
}

fn signed(events: &Value) -> SignedRequest {
    signed_with(events, KEY, URL)
}

/// With the fields of the vendor's documentation.
fn delivered(id: &str) -> Value {
    json!({
        "event": "delivered", "_id": id, "ts": 1_767_225_599,
        "msg": {
            "_id": id, "email": "ada@example.org", "sender": "news@example.com", "state": "sent",
            "tags": ["orders"], "metadata": {"delivery_id": "00000000-0000-0000-0000-000000000007"},
        },
    })
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(parser())
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(MandrillWebhook::new("mandrill", "key-of-a-stranger"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        let events = match sample {
            Sample::One => json!([delivered("m-1")]),
            Sample::Two => json!([delivered("m-1"), delivered("m-2")]),
            Sample::UnknownKind => json!([{"event": "moon_phase"}]),
            Sample::Ping => json!([]),
            _ => return None,
        };
        Some(signed(&events))
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn secrets(&self) -> Vec<String> {
        vec![KEY.to_owned(), "key-of-a-stranger".to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn event(raw: &Value) -> ProviderEvent {
    let parsed = signed(&json!([raw])).parsed_by(&parser(), NOW);
    parsed.expect("is signed").events.remove(0)
}

#[test]
fn an_event_finds_its_delivery() {
    let found = event(&delivered("m-1"));
    assert_eq!(found.delivery, Some(DeliveryId::from_u128(7)));
    assert_eq!(found.message_id.as_deref(), Some("m-1"));
    assert_eq!(found.event_id.as_deref(), Some("m-1:delivered:1767225599"));
    assert_eq!(found.address, Some(Address::email("ada@example.org")));
    assert_eq!(found.at, Timestamp::from_micros(1_767_225_599_000_000));
}

#[test]
fn an_incoming_mail_is_an_answer() {
    let found = event(
        &json!({"event": "inbound", "msg": {"from_email": "ada@example.org", "email": "in@example.com"}}),
    );
    assert_eq!(found.address, Some(Address::email("ada@example.org")));
    assert_eq!((found.kind.as_str(), found.message_id), ("replied", None));
}

#[test]
fn each_kind_has_its_meaning() {
    let named = |name: &str| json!({"event": name, "msg": {"metadata": []}});
    let because =
        |name: &str, word: &str| json!({"event": name, "msg": {"bounce_description": word}});
    for (raw, kind, fault) in [
        (named("send"), "accepted", ""),
        (named("delivered"), "delivered", ""),
        (named("deferral"), "deferred", "provider fault deferral"),
        (
            because("hard_bounce", "bad_mailbox"),
            "bounced (Hard)",
            "recipient fault bad_mailbox",
        ),
        (
            named("hard_bounce"),
            "bounced (Hard)",
            "recipient fault hard_bounce",
        ),
        (
            because("soft_bounce", "mailbox_full"),
            "bounced (Soft)",
            "provider fault mailbox_full",
        ),
        (
            named("reject"),
            "bounced (Suppressed)",
            "recipient fault reject",
        ),
        (named("open"), "opened", ""),
        (
            json!({"event": "click", "url": "https://example.com/"}),
            "clicked",
            "",
        ),
        (named("spam"), "complained", ""),
        (named("unsub"), "unsubscribed", ""),
        (
            json!({"type": "blacklist", "action": "add", "reject": {"email": "ada@example.org"}}),
            "unknown",
            "",
        ),
        (json!({}), "unknown", ""),
        (json!(17), "unknown", ""),
    ] {
        let found = event(&raw);
        assert_eq!(format!("{:?}", found.kind), kind, "{raw}");
        let shown = found.fault.map(|fault| fault.to_string());
        assert_eq!(shown.unwrap_or_default(), fault, "{raw}");
    }
}

#[test]
fn the_tests_before_there_is_a_key_are_answered_and_believed_in_nothing() {
    let mut head = SignedRequest::post(URL, "");
    head.method = "HEAD".to_owned();
    assert_eq!(head.parsed_by(&parser(), NOW), Ok(Parsed::ping()));
    let empty = signed_with(&json!([]), "test-webhook", URL);
    assert_eq!(empty.parsed_by(&parser(), NOW), Ok(Parsed::ping()));
    let forged = signed_with(&json!([delivered("m-1")]), "test-webhook", URL);
    assert_eq!(
        forged.parsed_by(&parser(), NOW),
        Err(WebhookError::Unauthorized)
    );
}

#[test]
fn the_url_that_was_registered_counts() {
    let registered = "https://user:password@example.com/hooks/mandrill?a=b";
    let request = signed_with(&json!([delivered("m-1")]), KEY, registered);
    assert!(request.parsed_by(&parser(), NOW).is_err());
    assert!(request.parsed_by(&parser().url(registered), NOW).is_ok());
}

#[test]
fn both_keys_count_while_one_is_replaced() {
    let both = MandrillWebhook::new("mandrill", "new-key").or_key(KEY);
    assert!(
        signed(&json!([delivered("m-1")]))
            .parsed_by(&both, NOW)
            .is_ok()
    );
}
