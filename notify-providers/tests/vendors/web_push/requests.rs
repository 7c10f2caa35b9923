//! What push services and browsers are given.

use super::{CONTACT, PRIVATE, PUBLIC, browser, builder};
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::{Interruption, PushAction, PushMessage, PushPriority};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, Message, NotificationId};
use notify_providers::http::Guard;
use notify_providers::push::web_push::{BROWSER_SERVICES, MAX_PAYLOAD, VapidKey, WebPushProvider};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::status(201).header("location", "/m/1"))
}

fn to(endpoint: &str, push: PushMessage) -> Envelope {
    let address = browser::address(endpoint);
    let mut envelope = Envelope::new("key", address, Message::new(push));
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope
}

/// The request for this message and what the browser reads.
async fn asked(push: PushMessage, declarative: bool) -> (Request, Value) {
    let fake = fake();
    let provider = builder(&fake).declarative(declarative).build();
    let provider = provider.expect("builds");
    let endpoint = format!("{}/p/1?x=y", fake.url());
    let receipt = provider.send(&to(&endpoint, push)).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("/m/1"));
    let request = fake.only();
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/p/1", "x=y")
    );
    let message = browser::read(&request, &fake.url(), PUBLIC);
    (request, message)
}

fn everything() -> PushMessage {
    PushMessage::new("Your order", "It is on its way.")
        .with_image("https://example.com/i.png")
        .with_click_action("https://example.com/orders/1042")
        .with_badge(3)
        .with_action(PushAction::new("track", "Where is it?"))
        .with_collapse_key("order-1042")
        .with_ttl(Duration::from_secs(3_600))
        .with_priority(PushPriority::High)
        .with_interruption(Interruption::Passive)
        .with_data("order", "1042")
}

#[tokio::test]
async fn everything_a_push_says_is_passed_on() {
    let (request, message) = asked(everything(), false).await;
    assert_eq!(request.header("ttl"), Some("3600"));
    assert_eq!(request.header("urgency"), Some("high"));
    assert_eq!(request.header("topic"), Some("order-1042"));
    let expected = json!({
        "notification": {
            "title": "Your order",
            "body": "It is on its way.",
            "image": "https://example.com/i.png",
            "tag": "order-1042",
            "actions": [{"action": "track", "title": "Where is it?"}],
            "silent": true,
        },
        "data": {
            "order": "1042",
            "click_action": "https://example.com/orders/1042",
            "notification_id": "00000000-0000-0000-0000-000000000008",
            "category": "orders",
        },
        "app_badge": 3,
    });
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_push_that_says_little_is_little() {
    let (request, message) = asked(PushMessage::new("t", "b"), true).await;
    assert_eq!(request.header("ttl"), Some("2419200"));
    assert_eq!(request.header("urgency"), Some("normal"));
    assert_eq!(request.header("topic"), None);
    let data =
        json!({"notification_id": "00000000-0000-0000-0000-000000000008", "category": "orders"});
    let expected = json!({"notification": {"title": "t", "body": "b"}, "data": data});
    assert_eq!(message, expected);
    let (_, message) = asked(PushMessage::new("", ""), true).await;
    assert_eq!(message, json!({ "data": data }));
}

#[tokio::test]
async fn a_declarative_message_needs_no_service_worker() {
    let (_, message) = asked(everything(), true).await;
    assert_eq!(message["web_push"], 8_030);
    assert_eq!(message["app_badge"], 3);
    let expected = json!({
        "title": "Your order",
        "body": "It is on its way.",
        "image": "https://example.com/i.png",
        "navigate": "https://example.com/orders/1042",
        "tag": "order-1042",
        "silent": true,
    });
    assert_eq!(message["notification"], expected);
}

#[tokio::test]
async fn a_section_is_laid_over_ours() {
    let push = everything().with_webpush(json!({
        "headers": {"ttl": 60, "Urgency": "very-low", "Topic": null, "X-Other": "1"},
        "notification": {"icon": "/icon.png", "actions": null, "image": null},
        "data": {"own": {"n": 1}},
        "fcm_options": {"link": "https://example.com/other"},
    }));
    let (request, message) = asked(push, true).await;
    assert_eq!(request.header("ttl"), Some("60"));
    assert_eq!(request.header("urgency"), Some("very-low"));
    assert_eq!(request.header("topic"), None);
    assert_eq!(request.header("x-other"), None);
    let notification = &message["notification"];
    assert_eq!(notification["icon"], "/icon.png");
    assert_eq!(notification.get("actions"), None);
    assert_eq!(notification.get("image"), None);
    assert_eq!(notification["navigate"], "https://example.com/other");
    assert_eq!(message["data"]["own"], json!({"n": 1}));
}

#[tokio::test]
async fn a_long_collapse_key_stays_one() {
    let push = |key: &str| PushMessage::new("t", "b").with_collapse_key(key);
    let long = "order 1042 of the customer with a long name";
    let topic = asked(push(long), false).await.0;
    let topic = topic.header("topic").expect("a topic").to_owned();
    let again = asked(push(long), false).await.0;
    assert_eq!(again.header("topic"), Some(topic.as_str()));
    let other = asked(push("order 1043"), false).await.0;
    assert_ne!(other.header("topic"), Some(topic.as_str()));
    assert_eq!(topic.len(), 32);
}

#[tokio::test]
async fn padding_hides_the_length() {
    let fake = fake();
    let provider = builder(&fake).padding(512).build().expect("builds");
    for text in ["a", "a much longer text than the one before"] {
        let endpoint = format!("{}/p", fake.url());
        let push = PushMessage::new("t", text);
        provider.send(&to(&endpoint, push)).await.expect("is taken");
    }
    let requests = fake.requests();
    assert_eq!(requests[0].body.len(), requests[1].body.len());
    for request in requests {
        browser::read(&request, &fake.url(), PUBLIC);
    }
}

#[tokio::test]
async fn the_senders_token_serves_one_origin_for_half_a_day() {
    let (one, other) = (fake(), fake());
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let builder = builder(&one).http(one.options().clock(shared));
    let provider = builder.build().expect("builds");
    let send = async |fake: &FakeVendor| {
        let endpoint = format!("{}/p", fake.url());
        let push = PushMessage::new("t", "b");
        provider.send(&to(&endpoint, push)).await.expect("is taken");
    };
    let half = 11 * 3_600;
    for wait in [0, half - 1, 1] {
        clock.advance(Duration::from_secs(wait));
        send(&one).await;
        send(&other).await;
    }
    for fake in [&one, &other] {
        let requests = fake.requests();
        let headers: BTreeSet<_> = requests
            .iter()
            .map(|request| request.header("authorization"))
            .collect();
        assert_eq!((requests.len(), headers.len()), (3, 2));
        for (request, signed) in requests.iter().zip([0, 0, half]) {
            let (claims, _) = browser::vapid(request);
            let at = 1_700_000_000 + signed;
            let expected = json!({"aud": fake.url(), "exp": at + 12 * 3_600, "sub": CONTACT});
            assert_eq!(claims, expected);
        }
    }
}

#[tokio::test]
async fn a_subscription_leads_nowhere_but_to_the_public_internet() {
    let fake = fake();
    let key = || VapidKey::from_private_key(&PRIVATE.into()).expect("a key");
    let strict = WebPushProvider::builder(key(), CONTACT).http(fake.options());
    let strict = strict.build().expect("builds");
    for endpoint in [
        format!("{}/p", fake.url()),
        "https://127.0.0.1/p".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://10.0.0.1/p".to_owned(),
        "https://[::1]/p".to_owned(),
        "https://push.example.net:22/p".to_owned(),
    ] {
        let envelope = to(&endpoint, PushMessage::new("t", "b"));
        let fault = strict.send(&envelope).await;
        assert_eq!(fault, Err(Fault::request("url_forbidden")), "{endpoint}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn only_the_hosts_that_are_allowed_are_called() {
    let fake = fake();
    let guard = Guard::new().allow_loopback();
    let browsers = builder(&fake).guard(guard).only_hosts(BROWSER_SERVICES);
    let browsers = browsers.build().expect("builds");
    let forbidden = Err(Fault::request("url_forbidden"));
    for endpoint in [
        &format!("{}/p", fake.url()),
        "https://fcm.googleapis.com.example.net/p",
        "https://push.apple.com.example.net/p",
        "https://push.services.mozilla.com/p",
        "https://evil-fcm.googleapis.com/p",
    ] {
        let fault = browsers
            .send(&to(endpoint, PushMessage::new("t", "b")))
            .await;
        assert_eq!(fault, forbidden, "{endpoint}");
    }
    let here = builder(&fake).only_hosts(["127.0.0.1"]).build();
    let endpoint = format!("{}/p", fake.url());
    let envelope = to(&endpoint, PushMessage::new("t", "b"));
    here.expect("builds")
        .send(&envelope)
        .await
        .expect("is taken");
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let endpoint = format!("{}/p", fake.url());
    let push = || PushMessage::new("t", "b");
    let large = push().with_data("d", "x".repeat(MAX_PAYLOAD));
    for (push, fault) in [
        (push().with_webpush(json!("x")), Fault::request("section")),
        (
            push().with_webpush(json!({"headers": {"TTL": []}})),
            Fault::request("section"),
        ),
        (
            push().with_webpush(json!({"headers": {"Topic": "a\nb"}})),
            Fault::request("header"),
        ),
        (large, Fault::request("payload_too_large")),
    ] {
        assert_eq!(provider.send(&to(&endpoint, push)).await, Err(fault));
    }
    for address in ["token", "{}", "https://push.example.net/p"] {
        let mut envelope = to(&endpoint, push());
        envelope.address = Address::device(address);
        let dead = Err(Fault::recipient("bad_address"));
        assert_eq!(provider.send(&envelope).await, dead, "{address}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn the_longest_message_fills_4096_bytes() {
    let (_, message) = asked(PushMessage::new("t", "b").with_data("d", ""), false).await;
    let room = MAX_PAYLOAD - message.to_string().len();
    let push = PushMessage::new("t", "b").with_data("d", "x".repeat(room));
    assert_eq!(asked(push, false).await.0.body.len(), 4_096);
}

#[tokio::test]
async fn any_status_of_a_yes_is_one() {
    for status in [200, 201, 202, 204] {
        let fake = FakeVendor::start(move |_| Reply::status(status));
        let provider = builder(&fake).build().expect("builds");
        let endpoint = format!("{}/p", fake.url());
        let receipt = provider
            .send(&to(&endpoint, PushMessage::new("t", "b")))
            .await;
        assert_eq!(receipt.expect("is taken").message_id, None);
    }
}

#[test]
fn a_line_of_configuration_makes_it() {
    let dsn = format!(
        "web-push://{PRIVATE}@default?contact={CONTACT}&declarative=true&padding=128&browsers_only=true&name=browsers&timeout=5"
    );
    let provider = WebPushProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "browsers");
    let shown = format!("{provider:?}");
    assert!(shown.contains("declarative: true") && shown.contains("Block(128)"));
    assert!(shown.contains("*.push.apple.com"));
    assert!(shown.contains(PUBLIC) && !shown.contains(PRIVATE));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        (format!("web-push://{PRIVATE}@default"), "contact"),
        (
            format!("web-push://{PRIVATE}@default?contact=hunter2"),
            "contact",
        ),
        (
            format!("web-push://hunter2@default?contact={CONTACT}"),
            "key",
        ),
        (format!("web-push://default?contact={CONTACT}"), "key"),
        (
            format!("web-push://{PRIVATE}@push.example.net?contact={CONTACT}"),
            "host",
        ),
        (
            format!("web-push://{PRIVATE}@default?contact={CONTACT}&padding=hunter2"),
            "padding",
        ),
        (
            format!("web-push://{PRIVATE}@default?contact={CONTACT}&hunter2=1"),
            "parameter",
        ),
    ] {
        let error = WebPushProvider::from_url(&dsn).expect_err(field);
        assert_eq!(error.field_name(), Some(field), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
