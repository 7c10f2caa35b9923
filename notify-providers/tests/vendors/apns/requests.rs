//! What Apple is asked.

use super::{Apns, KEY_ID, TEAM_ID, TOPIC, builder, device, signed_at};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply, Request};
use crate::support::jwt::P256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::{Interruption, PushMessage, PushPriority};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, Message, NotificationId};
use notify_providers::push::apns::{ApnsProvider, PushType};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Apple at 1,700,000,000 s after 1970.
fn fake() -> FakeVendor {
    FakeVendor::start(|request| Apns::accept(request, &[]))
}

fn provider(fake: &FakeVendor) -> ApnsProvider {
    of_type(fake, None)
}

fn of_type(fake: &FakeVendor, push_type: Option<PushType>) -> ApnsProvider {
    let options = fake.options().clock(Arc::new(StillClock::default()));
    let mut builder = builder(fake).http(options);
    if let Some(push_type) = push_type {
        builder = builder.push_type(push_type);
    }
    builder.build().expect("builds")
}

fn to(address: &str, push: PushMessage) -> Envelope {
    let mut envelope = Envelope::new("key-1", Address::device(address), Message::new(push));
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope
}

/// What Apple is asked for this message.
async fn asked(push: PushMessage) -> (Request, Value) {
    asked_of_type(push, None).await
}

async fn asked_of_type(push: PushMessage, push_type: Option<PushType>) -> (Request, Value) {
    let fake = fake();
    let envelope = to("00ff", push);
    let sent = of_type(&fake, push_type).send(&envelope).await;
    let id = sent.expect("is taken").message_id;
    let request = fake.only();
    assert_eq!(id.as_deref(), request.header("apns-id"));
    assert_eq!(signed_at(&request), 1_700_000_000);
    let (token, payload) = device(&request);
    assert_eq!(token, "00ff");
    (request, payload)
}

/// Type, topic and priority.
fn kind(request: &Request) -> [&str; 3] {
    let header = |name| request.header(name).expect(name);
    ["apns-push-type", "apns-topic", "apns-priority"].map(header)
}

#[tokio::test]
async fn everything_a_push_says_is_passed_on() {
    let push = PushMessage::new("Order", "On its way")
        .with_subtitle("#1042")
        .with_image("https://example.com/i.png")
        .with_click_action("app://orders/1042")
        .with_badge(1)
        .with_sound("default")
        .with_category("ORDER")
        .with_thread("orders")
        .with_collapse_key("order-1042")
        .with_ttl(Duration::from_secs(3_600))
        .with_priority(PushPriority::High)
        .with_interruption(Interruption::Active)
        .with_data("order", "1042");
    let (request, payload) = asked(push).await;
    assert_eq!(kind(&request), ["alert", TOPIC, "10"]);
    assert_eq!(request.header("apns-expiration"), Some("1700003600"));
    assert_eq!(request.header("apns-collapse-id"), Some("order-1042"));
    let expected = json!({
        "aps": {
            "alert": {"title": "Order", "subtitle": "#1042", "body": "On its way"},
            "badge": 1,
            "sound": "default",
            "thread-id": "orders",
            "category": "ORDER",
            "mutable-content": 1,
            "interruption-level": "active",
        },
        "image": "https://example.com/i.png",
        "click_action": "app://orders/1042",
        "order": "1042",
        "notification_id": "00000000-0000-0000-0000-000000000008",
        "category": "orders",
    });
    assert_eq!(payload, expected);
}

#[tokio::test]
async fn a_push_that_says_little_is_little() {
    let (request, payload) = asked(PushMessage::new("", "hi")).await;
    assert_eq!(kind(&request), ["alert", TOPIC, "5"]);
    assert_eq!(request.header("apns-expiration"), None);
    assert_eq!(request.header("apns-collapse-id"), None);
    assert_eq!(payload["aps"], json!({"alert": {"body": "hi"}}));
    let (request, _) = asked(PushMessage::new("", "hi").with_ttl(Duration::ZERO)).await;
    assert_eq!(request.header("apns-expiration"), Some("0"), "one attempt");
}

#[tokio::test]
async fn what_is_critical_sounds_through_the_mute_switch() {
    let push = PushMessage::new("t", "b").with_interruption(Interruption::Critical);
    let aps = asked(push).await.1["aps"].clone();
    assert_eq!(
        aps["sound"],
        json!({"critical": 1, "name": "default", "volume": 1.0})
    );
    assert_eq!(aps["interruption-level"], "critical");
}

#[tokio::test]
async fn a_background_push_is_seen_from_its_payload() {
    let push = PushMessage::new("", "")
        .with_priority(PushPriority::High)
        .with_apns(json!({"aps": {"content-available": 1}}));
    let (request, payload) = asked(push).await;
    assert_eq!(kind(&request), ["background", TOPIC, "5"]);
    assert_eq!(payload["aps"], json!({"content-available": 1}));
}

#[tokio::test]
async fn a_live_activity_has_its_topic_and_a_time() {
    let push = PushMessage::new("Order", "Two stops away").with_apns(json!({"aps": {
        "event": "update",
        "content-state": {"stops": 2},
        "stale-date": 1_700_000_600,
        "dismissal-date": 1_700_001_200,
        "alert": {"sound": "chime.aiff"},
    }}));
    let (request, payload) = asked(push).await;
    let topic = "com.example.app.push-type.liveactivity";
    assert_eq!(kind(&request), ["liveactivity", topic, "5"]);
    let expected = json!({
        "event": "update",
        "timestamp": 1_700_000_000,
        "content-state": {"stops": 2},
        "stale-date": 1_700_000_600,
        "dismissal-date": 1_700_001_200,
        "alert": {"title": "Order", "body": "Two stops away", "sound": "chime.aiff"},
    });
    assert_eq!(payload["aps"], expected);
    let own = json!({"aps": {"event": "end", "timestamp": 7}});
    let (_, payload) = asked(PushMessage::new("", "").with_apns(own.clone())).await;
    assert_eq!(payload["aps"], own["aps"]);
}

#[tokio::test]
async fn the_rest_of_aps_comes_with_the_message() {
    let section = json!({
        "aps": {
            "alert": {"loc-key": "ORDER_%@", "loc-args": ["1042"], "body": null},
            "relevance-score": 0.5,
            "target-content-id": "orders",
            "filter-criteria": "work",
        },
        "own": {"n": 1},
    });
    let (_, payload) = asked(PushMessage::new("t", "b").with_apns(section)).await;
    let expected = json!({
        "alert": {"title": "t", "loc-key": "ORDER_%@", "loc-args": ["1042"]},
        "relevance-score": 0.5,
        "target-content-id": "orders",
        "filter-criteria": "work",
    });
    assert_eq!(payload["aps"], expected);
    assert_eq!(payload["own"], json!({"n": 1}));
}

#[tokio::test]
async fn a_provider_may_be_for_one_kind() {
    for (push_type, topic) in [
        (PushType::Alert, "com.example.app"),
        (PushType::Complication, "com.example.app.complication"),
        (PushType::Controls, "com.example.app.push-type.controls"),
        (
            PushType::FileProvider,
            "com.example.app.pushkit.fileprovider",
        ),
        (
            PushType::LiveActivity,
            "com.example.app.push-type.liveactivity",
        ),
        (PushType::Location, "com.example.app.location-query"),
        (PushType::Mdm, "com.example.app"),
        (PushType::PushToTalk, "com.example.app.voip-ptt"),
        (PushType::Voip, "com.example.app.voip"),
        (PushType::Widgets, "com.example.app.push-type.widgets"),
    ] {
        let (request, _) = asked_of_type(PushMessage::new("t", "b"), Some(push_type)).await;
        assert_eq!(kind(&request)[..2], [push_type.as_str(), topic]);
        assert_eq!(push_type.as_str().parse::<PushType>().ok(), Some(push_type));
    }
}

#[tokio::test]
async fn every_attempt_has_the_same_id_and_another_message_another() {
    let fake = fake();
    let provider = provider(&fake);
    let push = || PushMessage::new("t", "b");
    let mut other = to("00ff", push());
    other.key = "key-2".into();
    let mut ids = Vec::new();
    for envelope in [to("00ff", push()), to("00ff", push()), other] {
        ids.push(provider.send(&envelope).await.expect("is taken").message_id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = provider(&fake);
    let push = || PushMessage::new("t", "b");
    let large = push().with_data("d", "x".repeat(4_096));
    for (address, push, fault) in [
        ("cX:APA91b", push(), Fault::recipient("bad_address")),
        ("../00ff", push(), Fault::recipient("bad_address")),
        (
            "00ff",
            push().with_apns(json!("x")),
            Fault::request("section"),
        ),
        (
            "00ff",
            push().with_data("aps", "x"),
            Fault::request("data_reserved"),
        ),
        (
            "00ff",
            push().with_collapse_key("x".repeat(65)),
            Fault::request("collapse_key_too_long"),
        ),
        ("00ff", large, Fault::request("payload_too_large")),
    ] {
        assert_eq!(provider.send(&to(address, push)).await, Err(fault));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_payload_of_4096_bytes_goes_and_one_more_does_not() {
    let empty = asked(PushMessage::new("t", "b").with_data("d", "")).await.0;
    let room = 4_096 - empty.body.len();
    let push = |bytes| PushMessage::new("t", "b").with_data("d", "x".repeat(bytes));
    assert_eq!(asked(push(room)).await.0.body.len(), 4_096);
    let fake = fake();
    let fault = provider(&fake).send(&to("00ff", push(room + 1))).await;
    assert_eq!(fault, Err(Fault::request("payload_too_large")));
    // Calls may have 1,024 more.
    let (request, _) = asked_of_type(push(room + 1_024), Some(PushType::Voip)).await;
    assert_eq!(request.body.len(), 5_120);
}

#[tokio::test]
async fn a_line_of_configuration_makes_it() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &P256.pem).expect("writes");
    let path = file.path().to_str().expect("UTF-8");
    let text = STANDARD.encode(&P256.pem);
    let rest = format!("team={TEAM_ID}&topic={TOPIC}&push_type=voip&name=voip&sandbox=true");
    for dsn in [
        format!("apns://{KEY_ID}@{host}?key_file={path}&{rest}"),
        format!("apns://{KEY_ID}:{text}@{host}?{rest}"),
    ] {
        let provider = ApnsProvider::from_url(&dsn).expect("reads");
        assert_eq!(provider.name().as_str(), "voip");
        let envelope = to("00ff", PushMessage::new("t", "b"));
        provider.send(&envelope).await.expect("is taken");
        assert_eq!(Apns::addresses(&fake.last()), ["00ff"]);
        assert_eq!(kind(&fake.last())[0], "voip");
    }
}

#[test]
fn the_sandbox_is_another_server() {
    for (sandbox, host) in [
        (false, "\"api.push.apple.com\""),
        (true, "\"api.sandbox.push.apple.com\""),
    ] {
        let builder = ApnsProvider::builder(TOPIC, P256.pem.as_str(), KEY_ID, TEAM_ID);
        let provider = builder.sandbox(sandbox).build().expect("builds");
        assert!(format!("{provider:?}").contains(host));
    }
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    let key = STANDARD.encode(&P256.pem);
    let good = format!("apns://{KEY_ID}:{key}@default?team={TEAM_ID}");
    for (dsn, field) in [
        (
            format!("apns://{KEY_ID}@default?team={TEAM_ID}&topic=a"),
            "key",
        ),
        (
            format!("apns://{KEY_ID}:hunter2@default?team={TEAM_ID}&topic=a"),
            "key",
        ),
        (format!("apns://{KEY_ID}:{key}@default?topic=a"), "team"),
        (
            format!("apns://hunter2:{key}@default?team={TEAM_ID}&topic=a"),
            "key",
        ),
        (
            format!("apns://:{key}@default?team={TEAM_ID}&topic=a"),
            "key_id",
        ),
        (good.clone(), "topic"),
        (format!("{good}&topic="), "topic"),
        (format!("{good}&topic=a/b"), "topic"),
        (format!("{good}&topic=a&push_type=hunter2"), "push_type"),
        (format!("{good}&topic=a&hunter2=1"), "parameter"),
        (
            "apns://default?topic=a&certificate_file=/hunter2".to_owned(),
            "key",
        ),
    ] {
        let error = ApnsProvider::from_url(&dsn).expect_err(field);
        assert_eq!(error.field_name(), Some(field), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let error = ApnsProvider::builder_with_certificate(TOPIC, P256.pem.as_str()).build();
    let error = error.expect_err("a key and no certificate");
    assert_eq!(error.field_name(), Some("certificate"));
}

#[tokio::test]
async fn a_yes_without_an_id_is_one() {
    let fake = FakeVendor::start(|_| Reply::status(200));
    let receipt = provider(&fake)
        .send(&to("00ff", PushMessage::new("t", "b")))
        .await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), fake.only().header("apns-id"));
}
