//! What Huawei is asked.

use super::{
    ACCESS, APP, Huawei, SECRET, builder, granted, illegal, message, said, token_endpoint,
};
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::{Interruption, PushMessage, PushPriority};
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{Address, CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::push::huawei::HuaweiProvider;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| {
        token_endpoint(request).unwrap_or_else(|| said(200, "80000000", "Success"))
    })
}

fn to(address: &str, push: PushMessage) -> Envelope {
    let mut envelope = Envelope::new("key", Address::device(address), Message::new(push));
    envelope.delivery = DeliveryId::from_u128(7);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    envelope
}

fn push() -> PushMessage {
    PushMessage::new("t", "b")
}

/// What Huawei is asked for this message, with its data read.
async fn asked(push: PushMessage) -> Value {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to("token-1", push)).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(id.as_deref(), Some("157440955549500001002006"));
    let mut message = message(&fake.last());
    let data = message["data"].as_str().expect("a text");
    message["data"] = serde_json::from_str(data).expect("JSON");
    message
}

#[tokio::test]
async fn everything_a_push_says_is_passed_on() {
    let push = PushMessage::new("Your order", "It is on its way.")
        .with_image("https://example.com/i.png")
        .with_click_action("https://example.com/orders/1042")
        .with_badge(3)
        .with_sound("ding")
        .with_thread("orders")
        .with_collapse_key("order-1042")
        .with_ttl(Duration::from_secs(86_400))
        .with_priority(PushPriority::High)
        .with_interruption(Interruption::TimeSensitive)
        .with_data("order", "1042");
    let expected = json!({
        "token": ["token-1"],
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
            "urgency": "HIGH",
            "ttl": "86400s",
            "bi_tag": "00000000-0000-0000-0000-000000000007",
            "notification": {
                "click_action": {"type": 2, "url": "https://example.com/orders/1042"},
                "tag": "order-1042",
                "group": "orders",
                "sound": "ding",
                "badge": {"set_num": 3},
                "importance": "HIGH",
            },
        },
    });
    assert_eq!(asked(push).await, expected);
}

#[tokio::test]
async fn a_push_that_says_little_is_little() {
    let message = asked(push().with_sound("default")).await;
    let expected = json!({
        "urgency": "NORMAL",
        "bi_tag": "00000000-0000-0000-0000-000000000007",
        "notification": {"click_action": {"type": 3}, "default_sound": true},
    });
    assert_eq!(message["android"], expected);
    let silent = asked(PushMessage::new("", "")).await;
    assert_eq!(silent.get("notification"), None);
    let tag = "00000000-0000-0000-0000-000000000007";
    assert_eq!(
        silent["android"],
        json!({"urgency": "NORMAL", "bi_tag": tag})
    );
}

#[tokio::test]
async fn a_click_opens_a_page_a_link_an_intent_or_the_application() {
    for (action, expected) in [
        (
            "https://a.example/",
            json!({"type": 2, "url": "https://a.example/"}),
        ),
        (
            "app://order/1",
            json!({"type": 1, "intent": "app://order/1"}),
        ),
        ("OPEN_ORDER", json!({"type": 1, "action": "OPEN_ORDER"})),
    ] {
        let message = asked(push().with_click_action(action)).await;
        assert_eq!(message["android"]["notification"]["click_action"], expected);
    }
}

#[tokio::test]
async fn topics_and_conditions_are_addresses() {
    for (address, field, value) in [
        ("topic:news", "topic", "news"),
        ("condition:'a' in topics", "condition", "'a' in topics"),
    ] {
        let fake = fake();
        let provider = builder(&fake).build().expect("builds");
        provider.send(&to(address, push())).await.expect("is taken");
        let message = message(&fake.last());
        assert_eq!(message[field], value);
        assert_eq!(message.get("token"), None);
    }
}

#[tokio::test]
async fn tokens_of_one_message_share_a_call_and_others_do_not() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let mut later = to("token-5", push());
    later.notification = NotificationId::from_u128(9);
    let batch = [
        to("token-1", push()),
        to("token-2", PushMessage::new("t", "other")),
        to("topic:news", push()),
        to("token-4", push()),
        later,
        to("", push()),
    ];
    let key = |n: usize| provider.batch_key(&batch[n].message);
    assert!(key(0).is_some() && key(0) == key(3) && key(0) != key(1));
    let results = provider.send_batch(&batch).await;
    let id = Some("157440955549500001002006".to_owned());
    let ids: Vec<_> = results
        .iter()
        .map(|result| {
            result
                .as_ref()
                .ok()
                .map(|receipt| receipt.message_id.clone())
        })
        .collect();
    let own = Some(id);
    let shared = Some(None);
    let expected = [shared.clone(), own.clone(), own.clone(), shared, own, None];
    assert_eq!(ids, expected);
    assert_eq!(results[5], Err(Fault::recipient("bad_address")));
    let requests = fake.requests();
    let messages: Vec<Value> = requests
        .iter()
        .filter(|request| request.path.ends_with("messages:send"))
        .map(message)
        .collect();
    assert_eq!(messages.len(), 4);
    // The calls are made at the same time.
    let asked = |field: &str, value: Value| messages.iter().any(|one| one[field] == value);
    assert!(asked("token", json!(["token-1", "token-4"])));
    let shared = messages.iter().find(|one| one["token"][0] == "token-1");
    assert_eq!(shared.expect("is there")["android"].get("bi_tag"), None);
    assert!(asked("token", json!(["token-2"])));
    assert!(asked("topic", json!("news")));
    assert!(asked("token", json!(["token-5"])));
}

#[tokio::test]
async fn a_thousand_tokens_are_one_call_and_one_more_is_two() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let one = |n: usize| to(Huawei::address(n).expose(), push());
    let batch: Vec<_> = (0..1_001).map(one).collect();
    let results = provider.send_batch(&batch).await;
    assert!(results.iter().all(Result::is_ok));
    let mut sizes: Vec<_> = fake.requests()[1..]
        .iter()
        .map(|request| Huawei::addresses(request).len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 1_000]);
}

/// Each notification has its own id in the data, and so its own call.
#[tokio::test]
async fn the_same_text_of_many_notifications_goes_at_the_same_time() {
    let fake = FakeVendor::start(|request| {
        let taken = || said(200, "80000000", "Success").after(Duration::from_millis(100));
        token_endpoint(request).unwrap_or_else(taken)
    });
    let provider = builder(&fake).build().expect("builds");
    let one = |n: usize| {
        let mut envelope = to(Huawei::address(n).expose(), push());
        envelope.notification = NotificationId::from_u128(n as u128);
        // One after the other they would take longer.
        envelope.timeout = Duration::from_secs(5);
        envelope
    };
    let batch: Vec<_> = (0..100).map(one).collect();
    let sent = provider.send_batch(&batch);
    let results = tokio::time::timeout(Duration::from_secs(8), sent).await;
    let results = results.expect("two rounds of 64 calls");
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(fake.requests().len(), 101);
}

#[tokio::test]
async fn illegal_tokens_are_dead_and_the_others_were_taken() {
    let fake = FakeVendor::start(|request| {
        token_endpoint(request).unwrap_or_else(|| {
            let tokens = Huawei::addresses(request);
            illegal(&tokens[1..3], tokens.len() - 2)
        })
    });
    let provider = builder(&fake).build().expect("builds");
    let batch = ["a", "b", "c", "d"].map(|token| to(token, push()));
    let dead = Err(Fault::recipient("80100000"));
    let taken = Ok(Receipt::new());
    let expected = [taken.clone(), dead.clone(), dead, taken];
    assert_eq!(provider.send_batch(&batch).await, expected);
}

#[tokio::test]
async fn a_token_that_was_refused_is_replaced_once() {
    let script = |request: &Request| {
        if request.path.ends_with("/token") {
            let secret = request.field("client_secret");
            assert_eq!(secret.as_deref(), Some(SECRET));
            return granted("new");
        }
        // With the status of a yes.
        said(200, "80200003", "Token expired")
    };
    let fake = FakeVendor::start(script);
    let clock = Arc::new(StillClock::default());
    let shared: Arc<StillClock> = Arc::clone(&clock);
    let options = fake.options().clock(shared);
    let provider = builder(&fake).http(options).build().expect("builds");
    let fault = Err(Fault::config("80200003"));
    assert_eq!(provider.send(&to("a", push())).await, fault);
    assert_eq!(fake.requests().len(), 2, "a young token is not replaced");
    clock.advance(Duration::from_secs(60));
    assert_eq!(provider.send(&to("a", push())).await, fault);
    assert_eq!(fake.requests().len(), 5, "no, new token, no");
}

#[tokio::test]
async fn no_token_is_never_unknown_and_never_the_messages_fault() {
    let wrong =
        json!({"error": 1101, "sub_error": 20_044, "error_description": "invalid client_id"});
    for (reply, fault) in [
        (Reply::json(400, wrong), Fault::config("1101")),
        (Reply::status(401), Fault::config("http_401")),
        (Reply::status(404), Fault::config("http_404")),
        (Reply::html(503), Fault::provider("http_503")),
        (Reply::html(200), Fault::provider("token")),
    ] {
        let fake = FakeVendor::start(move |_| reply.clone());
        let provider = builder(&fake).build().expect("builds");
        let envelope = to("a", push());
        assert_eq!(provider.send(&envelope).await, Err(fault));
        assert!(envelope.progress.nothing_written());
        assert_eq!(fake.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_line_of_configuration_makes_it() {
    let fake = FakeVendor::start(|request| {
        token_endpoint(request).unwrap_or_else(|| said(200, "80000000", "Success"))
    });
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "huawei://{APP}:{SECRET}@{host}?token_url=http://{host}/oauth2/v3/token&project=77&validate_only=true&name=hms"
    );
    let provider = HuaweiProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "hms");
    provider.send(&to("a", push())).await.expect("is taken");
    let request = fake.last();
    assert_eq!(request.path, "/v2/77/messages:send");
    assert_eq!(request.json()["validate_only"], true);
    let bearer = format!("Bearer {ACCESS}");
    assert_eq!(request.header("authorization"), Some(bearer.as_str()));
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("huawei://default", "app_id"),
        ("huawei://1@default", "secret"),
        ("huawei://1:@default", "secret"),
        ("huawei://a%2Fb:hunter2@default", "app_id"),
        ("huawei://1:hunter2@default?project=a/b", "project"),
        (
            "huawei://1:hunter2@default?validate_only=hunter2",
            "validate_only",
        ),
        ("huawei://1:hunter2@default?hunter2=1", "parameter"),
        ("huawei://1:hunter2@", "host"),
    ] {
        let error = HuaweiProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}
