//! What a receiver of webhooks gets.

use super::{SECRET, Webhook, keys, verified};
use crate::hostile::check_texts;
use crate::suite::Vendor as _;
use crate::support::StillClock;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Channel as _, ChatMessage};
use notify_core::clock::Clock as _;
use notify_core::notification::Class;
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, DeliveryId, Message, NotificationId, TenantId};
use notify_providers::chat::webhook::{self, WebhookBuilder, WebhookProvider};
use notify_providers::http::Guard;
use notify_providers::signature::StandardWebhooks;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const NEWER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::status(204))
}

fn builder(fake: &FakeVendor) -> WebhookBuilder {
    let builder = WebhookProvider::builder(keys(SECRET));
    builder
        .guard(Guard::new().allow_loopback())
        .http(fake.options())
}

fn to(fake: &FakeVendor, chat: ChatMessage) -> Envelope {
    let message = Message::new(chat).on(webhook::CHANNEL);
    Envelope::new("key-1", Webhook::address_at(fake, 7), message)
}

#[tokio::test]
async fn the_body_is_the_documented_one() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let content = json!({"order": 17, "lines": ["a", "b"]});
    let chat = ChatMessage::new("<b>5 & 6</b> @everyone").with_blocks(content.clone());
    let mut envelope = to(&fake, chat);
    envelope.delivery = DeliveryId::from_u128(7);
    envelope.notification = NotificationId::from_u128(8);
    envelope.tenant = TenantId::new("acme");
    envelope.category = CategoryId::new("orders");
    envelope.class = Class::Critical;
    envelope.correlation_id = Some("trace-1".into());
    let receipt = provider.send(&envelope).await.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("key-1"));
    let expected = json!({
        "type": "notification",
        "version": 1,
        "data": {
            "notification_id": "00000000-0000-0000-0000-000000000008",
            "delivery_id": "00000000-0000-0000-0000-000000000007",
            "tenant": "acme",
            "category": "orders",
            "class": "critical",
            "correlation_id": "trace-1",
            "text": "<b>5 & 6</b> @everyone",
            "content": content,
        },
    });
    let request = fake.only();
    assert_eq!(request.json(), expected);
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/hooks/0007", "token=x")
    );
    assert_eq!(request.header("webhook-id"), Some("key-1"));

    let plain = to(&fake, ChatMessage::new("hi"));
    provider.send(&plain).await.expect("is taken");
    let data = &fake.last().json()["data"];
    assert_eq!(
        (data.get("correlation_id"), data.get("content")),
        (None, None)
    );
}

#[tokio::test]
async fn each_attempt_has_the_same_id_and_body_and_its_own_time() {
    let clock = Arc::new(StillClock::default());
    let fake = fake();
    let options = fake.options().clock(Arc::clone(&clock) as Arc<_>);
    let provider = builder(&fake).http(options).build().expect("builds");
    let envelope = to(&fake, ChatMessage::new("hi"));
    provider.send(&envelope).await.expect("is taken");
    let at = clock.now();
    clock.advance(Duration::from_secs(3_600));
    provider.send(&envelope).await.expect("is taken");
    let [first, second] = &fake.requests()[..] else {
        panic!("two attempts");
    };
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    assert_eq!(first.header("webhook-timestamp"), Some("1700000000"));
    assert_eq!(second.header("webhook-timestamp"), Some("1700003600"));
    assert!(verified(first, &keys(SECRET), at));
    assert!(verified(second, &keys(SECRET), clock.now()));
    assert!(
        !verified(first, &keys(SECRET), clock.now()),
        "an hour later it is a recording"
    );
}

#[tokio::test]
async fn while_a_secret_is_replaced_each_receiver_finds_its_signature() {
    let fake = fake();
    let both = keys(NEWER).and(SECRET).expect("a secret");
    let clock = Arc::new(StillClock::default());
    let options = fake.options().clock(Arc::clone(&clock) as Arc<_>);
    let provider = WebhookProvider::builder(both).guard(Guard::new().allow_loopback());
    let provider = provider.http(options).build().expect("builds");
    provider
        .send(&to(&fake, ChatMessage::new("hi")))
        .await
        .expect("is taken");
    let request = fake.only();
    for secret in [SECRET, NEWER] {
        assert!(verified(&request, &keys(secret), clock.now()));
    }
    let stranger = StandardWebhooks::generate_secret().expect("randomness");
    let stranger = StandardWebhooks::new(stranger).expect("a secret");
    assert!(!verified(&request, &stranger, clock.now()));
}

#[tokio::test]
async fn each_receiver_has_a_secret_of_its_own() {
    let fake = fake();
    let clock = Arc::new(StillClock::default());
    let options = fake.options().clock(Arc::clone(&clock) as Arc<_>);
    let provider = WebhookProvider::with_keys_by(|envelope| match envelope.tenant.as_str() {
        "acme" => Some(keys(SECRET)),
        "umbrella" => Some(keys(NEWER)),
        _ => None,
    });
    let provider = provider
        .guard(Guard::new().allow_loopback())
        .http(options)
        .build()
        .expect("builds");
    for (tenant, own, other) in [("acme", SECRET, NEWER), ("umbrella", NEWER, SECRET)] {
        let mut envelope = to(&fake, ChatMessage::new("hi"));
        envelope.tenant = TenantId::new(tenant);
        provider.send(&envelope).await.expect("is taken");
        assert!(verified(&fake.last(), &keys(own), clock.now()));
        assert!(!verified(&fake.last(), &keys(other), clock.now()));
    }
    let nobody = provider.send(&to(&fake, ChatMessage::new("hi"))).await;
    assert_eq!(nobody, Err(Fault::request("no_key")));
    assert_eq!(fake.requests().len(), 2, "nothing goes unsigned");
}

#[tokio::test]
async fn a_key_that_is_no_id_is_hashed() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let mut envelope = to(&fake, ChatMessage::new("hi"));
    envelope.key = "a.b c".into();
    let receipt = provider.send(&envelope).await.expect("is taken");
    let request = fake.only();
    let id = request.header("webhook-id").expect("an id");
    assert_eq!((id.len(), receipt.message_id.as_deref()), (64, Some(id)));
}

#[tokio::test]
async fn no_call_leaves_the_public_internet() {
    let fake = fake();
    // Not this host either.
    let provider = WebhookProvider::builder(keys(SECRET))
        .http(fake.options())
        .build();
    let provider = provider.expect("builds");
    for url in [
        fake.url().as_str(),
        "http://example.com/hooks",
        "https://10.0.0.1/hooks",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/hooks",
        "https://example.com:8443/hooks",
        "https://user:password@example.com/hooks",
    ] {
        let mut envelope = to(&fake, ChatMessage::new("hi"));
        envelope.address = Address::new(webhook::SCHEME, url);
        let fault = provider.send(&envelope).await;
        assert_eq!(fault, Err(Fault::request("url_forbidden")), "{url}");
    }
    for address in ["", "alerts", "ftp://example.com", "javascript:alert(1)"] {
        let mut envelope = to(&fake, ChatMessage::new("hi"));
        envelope.address = Address::new(webhook::SCHEME, address);
        let fault = provider.send(&envelope).await;
        assert_eq!(fault, Err(Fault::recipient("bad_address")), "{address}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_name_stands_for_a_url_that_is_a_secret() {
    let fake = fake();
    let url = format!("{}/hooks/hunter2/{}", fake.url(), "x".repeat(300));
    let provider = builder(&fake)
        .endpoint("crm", url.as_str())
        .build()
        .expect("builds");
    let mut envelope = to(&fake, ChatMessage::new("hi"));
    envelope.address = Address::new(webhook::SCHEME, "crm");
    provider.send(&envelope).await.expect("is taken");
    assert!(fake.only().path.starts_with("/hooks/hunter2/x"));
    assert!(!format!("{provider:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let fake = fake();
    let long = || ChatMessage::new("x".repeat(21_000));
    let fault = builder(&fake)
        .build()
        .expect("builds")
        .send(&to(&fake, long()))
        .await;
    assert_eq!(fault, Err(Fault::request("too_large")));
    let roomy = builder(&fake).max_bytes(100_000).build().expect("builds");
    roomy.send(&to(&fake, long())).await.expect("is taken");
    assert_eq!(fake.requests().len(), 1);
}

#[test]
fn keys_are_honoured_where_the_application_says_so() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    assert_eq!(provider.capabilities().honours_key_for(), None);
    let day = Duration::from_secs(86_400);
    let provider = builder(&fake)
        .receivers_keep_ids(day)
        .build()
        .expect("builds");
    assert_eq!(provider.capabilities().honours_key_for(), Some(day));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let dsn = format!(
        "webhook://{SECRET}@default?also={NEWER}&port=8443&max_bytes=2048&name=hooks&webhook=https://10.0.0.1/x&room=crm"
    );
    let provider = WebhookProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "hooks");
    let message = Message::new(ChatMessage::new("hi")).on(webhook::CHANNEL);
    let envelope = Envelope::new("key", Address::new(webhook::SCHEME, "crm"), message);
    let fault = provider.send(&envelope).await;
    assert_eq!(
        fault,
        Err(Fault::request("url_forbidden")),
        "names are guarded too"
    );
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("webhook://default", "secret"),
        ("webhook://hunter2@default", "secret"),
        (
            "webhook://whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD@default?also=hunter2",
            "also",
        ),
        (
            "webhook://whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD@example.com",
            "host",
        ),
        (
            "webhook://whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD@default?port=hunter2",
            "port",
        ),
        (
            "webhook://whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD@default?max_bytes=1",
            "max_bytes",
        ),
        (
            "webhook://whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD@default?webhook=hunter2",
            "webhook",
        ),
        (
            "webhook://whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD@default?hunter2=1",
            "parameter",
        ),
    ] {
        let error = WebhookProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        let printed = format!("{error:?}");
        assert!(
            !printed.contains("hunter2") && !printed.contains("C2FV"),
            "{printed}"
        );
    }
}

#[test]
fn every_text_arrives_as_it_is_and_signed() {
    check_texts::<Webhook>(|text, request| {
        assert_eq!(request.json()["data"]["text"], text);
        assert_eq!(request.header("webhook-id"), Some("key-0"));
    });
}

#[test]
fn its_channel_takes_its_addresses() {
    let channel = webhook::channel();
    assert_eq!(channel.id(), webhook::CHANNEL);
    assert!(channel.accepts(&Address::new("webhook", "https://example.com/hooks")));
    assert!(!channel.accepts(&Address::new("teams", "alerts")));
}
