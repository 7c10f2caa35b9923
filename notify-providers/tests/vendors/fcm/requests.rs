//! What FCM is asked.

use super::{ACCESS, Fcm, PROJECT, granted, key_file, message, token_endpoint};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::{Interruption, PushAction, PushMessage, PushPriority};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, Message, NotificationId};
use notify_providers::push::fcm::{FcmBuilder, FcmProvider};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A vendor that takes everything, at 1,700,000,000 s after 1970.
fn fake() -> FakeVendor {
    FakeVendor::start(|request| match request.path.as_str() {
        "/token" => granted(ACCESS),
        _ => Reply::json(200, json!({"name": "projects/shop-1/messages/0:1"})),
    })
}

fn builder(fake: &FakeVendor) -> FcmBuilder {
    let options = fake.options().clock(Arc::new(StillClock::default()));
    FcmProvider::builder(key_file(fake)).http(options)
}

fn to(address: &str, push: PushMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Address::device(address), Message::new(push));
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope
}

/// What FCM is asked for this message.
async fn asked(push: PushMessage) -> Value {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to("token-1", push)).await.expect("is taken");
    let name = Some("projects/shop-1/messages/0:1".to_owned());
    assert_eq!(receipt.message_id, name);
    message(&fake.last())
}

const DATA: &str =
    r#"{"notification_id": "00000000-0000-0000-0000-000000000008", "category": "orders"}"#;

#[tokio::test]
async fn everything_a_push_says_is_passed_on() {
    let push = PushMessage::new("Your order", "It is on its way.")
        .with_subtitle("#1042")
        .with_image("https://example.com/i.png")
        .with_click_action("https://example.com/orders/1042")
        .with_badge(3)
        .with_sound("ding.caf")
        .with_category("ORDER")
        .with_action(PushAction::new("track", "Where is it?"))
        .with_thread("orders")
        .with_collapse_key("order-1042")
        .with_ttl(Duration::from_secs(3_600))
        .with_priority(PushPriority::High)
        .with_interruption(Interruption::TimeSensitive)
        .with_data("order", "1042");
    let expected = json!({
        "token": "token-1",
        "notification": {
            "title": "Your order",
            "body": "It is on its way.",
            "image": "https://example.com/i.png",
        },
        "data": {
            "order": "1042",
            "click_action": "https://example.com/orders/1042",
            "notification_id": "00000000-0000-0000-0000-000000000008",
            "category": "orders",
        },
        "android": {
            "collapse_key": "order-1042",
            "priority": "high",
            "ttl": "3600s",
            "notification": {
                "tag": "order-1042",
                "sound": "ding.caf",
                "channel_id": "ORDER",
                "notification_count": 3,
                "notification_priority": "PRIORITY_HIGH",
            },
        },
        "apns": {
            "headers": {
                "apns-priority": "10",
                "apns-expiration": "1700003600",
                "apns-collapse-id": "order-1042",
            },
            "payload": {"aps": {
                "alert": {"title": "Your order", "subtitle": "#1042", "body": "It is on its way."},
                "badge": 3,
                "sound": "ding.caf",
                "thread-id": "orders",
                "category": "ORDER",
                "mutable-content": 1,
                "interruption-level": "time-sensitive",
            }},
        },
        "webpush": {
            "headers": {"Urgency": "high", "TTL": "3600", "Topic": "order-1042"},
            "notification": {
                "tag": "order-1042",
                "actions": [{"action": "track", "title": "Where is it?"}],
            },
            "fcm_options": {"link": "https://example.com/orders/1042"},
        },
        "fcm_options": {"analytics_label": "orders"},
    });
    assert_eq!(asked(push).await, expected);
}

#[tokio::test]
async fn a_push_that_says_little_is_little() {
    let data: Value = serde_json::from_str(DATA).expect("JSON");
    let expected = json!({
        "token": "token-1",
        "notification": {"title": "t", "body": "b"},
        "data": data,
        "android": {"priority": "normal"},
        "apns": {"headers": {"apns-priority": "5"}, "payload": {}},
        "webpush": {"headers": {"Urgency": "normal"}},
        "fcm_options": {"analytics_label": "orders"},
    });
    assert_eq!(asked(PushMessage::new("t", "b")).await, expected);
}

#[tokio::test]
async fn a_push_without_a_word_is_data_only() {
    let push = PushMessage::new("", "").with_data("sync", "1");
    let silent = asked(push.with_priority(PushPriority::High)).await;
    assert_eq!(silent.get("notification"), None);
    assert_eq!(silent["data"]["sync"], "1");
    assert_eq!(
        silent["apns"]["payload"],
        json!({"aps": {"content-available": 1}})
    );
    assert_eq!(silent["android"], json!({"priority": "high"}));
    // Apple refuses another priority for those.
    let background = json!({"apns-priority": "5", "apns-push-type": "background"});
    assert_eq!(silent["apns"]["headers"], background);
    let counting = PushMessage::new("", "").with_badge(0);
    let counting = asked(counting.with_priority(PushPriority::High)).await;
    assert_eq!(counting["apns"]["headers"], json!({"apns-priority": "10"}));
}

#[tokio::test]
async fn sections_are_laid_over_ours() {
    let push = PushMessage::new("t", "b")
        .with_collapse_key("k")
        .with_sound("default")
        .with_android(json!({
            "restricted_package_name": "com.example.app",
            "notification": {"channel_id": "orders", "tag": null},
        }))
        .with_apns(json!({"aps": {"sound": "x.caf"}, "own": {"n": 1}}))
        .with_webpush(json!({"headers": {"Urgency": "very-low"}, "data": {"k": "v"}}));
    let message = asked(push).await;
    assert_eq!(
        message["android"],
        json!({
            "collapse_key": "k",
            "priority": "normal",
            "restricted_package_name": "com.example.app",
            "notification": {"channel_id": "orders", "sound": "default"},
        })
    );
    assert_eq!(
        message["apns"]["payload"],
        json!({"aps": {"sound": "x.caf"}, "own": {"n": 1}})
    );
    assert_eq!(message["webpush"]["headers"]["Urgency"], "very-low");
    assert_eq!(message["webpush"]["data"], json!({"k": "v"}));
}

#[tokio::test]
async fn a_click_opens_an_intent_or_a_page() {
    let intent = asked(PushMessage::new("t", "b").with_click_action("OPEN_ORDER")).await;
    let android = &intent["android"]["notification"];
    assert_eq!(android["click_action"], "OPEN_ORDER");
    assert_eq!(intent["webpush"].get("fcm_options"), None);
    let link = asked(PushMessage::new("t", "b").with_click_action("app://order/1")).await;
    assert_eq!(link["android"].get("notification"), None);
    assert_eq!(link["webpush"].get("fcm_options"), None);
    assert_eq!(link["data"]["click_action"], "app://order/1");
}

#[tokio::test]
async fn a_message_is_kept_for_four_weeks_at_most() {
    let message = asked(PushMessage::new("t", "b").with_ttl(Duration::MAX)).await;
    assert_eq!(message["android"]["ttl"], "2419200s");
    let message = asked(PushMessage::new("t", "b").with_ttl(Duration::ZERO)).await;
    assert_eq!(message["android"]["ttl"], "0s");
    assert_eq!(message["apns"]["headers"]["apns-expiration"], "0");
}

#[tokio::test]
async fn topics_and_conditions_are_addresses() {
    for (address, field, value) in [
        ("topic:news", "topic", "news"),
        (
            "condition:'news' in topics && 'eu' in topics",
            "condition",
            "'news' in topics && 'eu' in topics",
        ),
    ] {
        let fake = fake();
        let provider = builder(&fake).build().expect("builds");
        let envelope = to(address, PushMessage::new("t", "b"));
        provider.send(&envelope).await.expect("is taken");
        assert_eq!(message(&fake.last())[field], value);
    }
}

#[tokio::test]
async fn a_topic_is_never_a_dead_token() {
    let refused = super::refused(
        400,
        "INVALID_ARGUMENT",
        "The registration token is not a valid FCM registration token",
        &[],
    );
    let fake = FakeVendor::start(move |request| match request.path.as_str() {
        "/token" => granted(ACCESS),
        _ => refused.clone(),
    });
    let provider = builder(&fake).build().expect("builds");
    let fault = provider
        .send(&to("topic:news", PushMessage::new("t", "b")))
        .await;
    assert_eq!(fault, Err(Fault::request("INVALID_ARGUMENT")));
}

#[tokio::test]
async fn a_test_sends_nothing() {
    let fake = fake();
    let builder = builder(&fake).validate_only(true).project("shop-2");
    let provider = builder.build().expect("builds");
    let envelope = to("token-1", PushMessage::new("t", "b"));
    provider.send(&envelope).await.expect("is taken");
    let request = fake.last();
    assert_eq!(request.json()["validate_only"], true);
    assert_eq!(request.path, "/v1/projects/shop-2/messages:send");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let push = || PushMessage::new("t", "b");
    let large = PushMessage::new("t", "b").with_data("d", "x".repeat(4_096));
    for (address, push, fault) in [
        ("topic:no such", push(), Fault::recipient("bad_address")),
        (
            "t",
            push().with_data("from", "x"),
            Fault::request("data_reserved"),
        ),
        (
            "t",
            push().with_data("gcm.n", "x"),
            Fault::request("data_reserved"),
        ),
        (
            "t",
            push().with_data("google.x", "x"),
            Fault::request("data_reserved"),
        ),
        (
            "t",
            push().with_data("category", "x"),
            Fault::request("data_reserved"),
        ),
        (
            "t",
            push().with_android(json!("x")),
            Fault::request("section"),
        ),
        ("t", push().with_apns(json!([])), Fault::request("section")),
        (
            "t",
            push().with_webpush(json!(1)),
            Fault::request("section"),
        ),
        (
            "t",
            push().with_collapse_key("x".repeat(65)),
            Fault::request("collapse_key_too_long"),
        ),
        ("t", large, Fault::request("payload_too_large")),
    ] {
        let envelope = to(address, push);
        assert_eq!(provider.send(&envelope).await, Err(fault));
    }
    assert!(fake.requests().is_empty());
}

/// Names and values of the data: `d`, `notification_id`, its 36 characters, `category`, `orders`; and the text.
#[tokio::test]
async fn a_push_of_4096_bytes_goes_and_one_more_does_not() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let rest = "title".len() + 1 + "body".len() + 1 + 1 + 15 + 36 + 8 + 6;
    for (bytes, fits) in [(4_096, true), (4_097, false)] {
        let push = PushMessage::new("t", "b").with_data("d", "x".repeat(bytes - rest));
        assert_eq!(provider.send(&to("t", push)).await.is_ok(), fits, "{bytes}");
    }
}

/// What counts is what the device gets: one of the three sections, and not their sum.
#[tokio::test]
async fn the_largest_section_counts() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let section = |bytes: usize| json!({"data": {"k": "x".repeat(bytes)}});
    let fits = PushMessage::new("t", "b")
        .with_android(section(3_000))
        .with_apns(section(3_000))
        .with_webpush(section(3_000));
    provider.send(&to("t", fits)).await.expect("is taken");
    for large in [
        PushMessage::new("t", "b").with_android(section(4_096)),
        PushMessage::new("t", "b").with_apns(section(4_096)),
        PushMessage::new("t", "b").with_webpush(section(4_096)),
    ] {
        let fault = provider.send(&to("t", large)).await;
        assert_eq!(fault, Err(Fault::request("payload_too_large")));
    }
}

#[tokio::test]
async fn a_line_of_configuration_makes_it() {
    let fake = FakeVendor::start(|request| {
        let taken = Reply::json(200, json!({"name": "projects/shop-1/messages/0:1"}));
        token_endpoint(request).unwrap_or(taken)
    });
    let host = fake.url().replace("http://", "");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), key_file(&fake)).expect("writes");
    let path = file.path().to_str().expect("UTF-8");
    let text = STANDARD.encode(key_file(&fake));
    for dsn in [
        format!("fcm://{host}?key_file={path}&connections=1&name=eu"),
        format!("fcm://{text}@{host}?project={PROJECT}&validate_only=false&name=eu"),
    ] {
        let provider = FcmProvider::from_url(&dsn).expect("reads");
        assert_eq!(provider.name().as_str(), "eu");
        let envelope = to("token-1", PushMessage::new("t", "b"));
        provider.send(&envelope).await.expect("is taken");
        assert_eq!(Fcm::addresses(&fake.last()), ["token-1"]);
    }
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    let fake = fake();
    let good = STANDARD.encode(key_file(&fake));
    for (dsn, field) in [
        ("fcm://default".to_owned(), "key"),
        ("fcm://default?key_file=/hunter2".to_owned(), "key"),
        ("fcm://hunter2@default".to_owned(), "service_account"),
        (format!("fcm://{good}@default?project=a/b"), "project"),
        (
            format!("fcm://{good}@default?validate_only=hunter2"),
            "validate_only",
        ),
        (format!("fcm://{good}@default?hunter2=1"), "parameter"),
        (format!("fcm://{good}@"), "host"),
    ] {
        let error = FcmProvider::from_url(&dsn).expect_err(field);
        assert_eq!(error.field_name(), Some(field));
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
