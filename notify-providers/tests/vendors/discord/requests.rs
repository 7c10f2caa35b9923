//! What Discord is asked.

use super::{Discord, SECRET, limited};
use crate::hostile::check_texts;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Channel as _, ChatMessage};
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{Address, Message};
use notify_providers::chat::discord::{self, DiscordBuilder, DiscordProvider};
use serde_json::{Value, json};
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::json(200, json!({"id": "1300"})))
}

fn builder(fake: &FakeVendor) -> DiscordBuilder {
    DiscordProvider::builder().http(fake.options())
}

fn to(address: &str, chat: ChatMessage) -> Envelope {
    let message = Message::new(chat).on(discord::CHANNEL);
    Envelope::new("key", Address::new(discord::SCHEME, address), message)
}

#[tokio::test]
async fn a_message_calls_nobody_and_opens_nothing() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let text = "**@everyone** see https://example.com/a_b";
    let receipt = provider.send(&to("7/token", ChatMessage::new(text))).await;
    assert_eq!(receipt, Ok(Receipt::with_message_id("1300")));
    let request = fake.only();
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/api/v10/webhooks/7/token", "wait=true")
    );
    let expected = json!({
        "content": "\\*\\*@\u{200b}everyone\\*\\* see https://example.com/a_b",
        "flags": 4,
        "allowed_mentions": {"parse": []},
    });
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn embeds_go_as_they_are_and_mentions_stay_off() {
    let fake = fake();
    let provider = builder(&fake)
        .username("Example")
        .avatar_url("https://example.com/a.png");
    let provider = provider.build().expect("builds");
    let chat = ChatMessage::new("Green").with_blocks(json!([{"title": "**Green**"}]));
    provider.send(&to("7/token", chat)).await.expect("is taken");
    let expected = json!({
        "content": "Green",
        "username": "Example",
        "avatar_url": "https://example.com/a.png",
        "embeds": [{"title": "**Green**"}],
        "allowed_mentions": {"parse": []},
    });
    assert_eq!(fake.last().json(), expected);

    let fields = json!({"components": [{"type": 1}], "allowed_mentions": {"parse": ["everyone"]}});
    provider
        .send(&to("7/token", ChatMessage::new("").with_blocks(fields)))
        .await
        .expect("is taken");
    let body = fake.last().json();
    assert_eq!(body["components"], json!([{"type": 1}]));
    assert_eq!(
        body["allowed_mentions"],
        json!({"parse": []}),
        "whatever the blocks say"
    );
    assert_eq!(body.get("content"), None);
}

#[tokio::test]
async fn a_name_an_end_and_a_url_lead_to_the_webhook_and_nothing_else_does() {
    let fake = fake();
    let provider = builder(&fake).webhook(
        "alerts",
        format!("https://discord.com/api/webhooks/1234/{SECRET}?thread_id=5"),
    );
    let provider = provider.build().expect("builds");
    for (address, path, query) in [
        (
            "alerts",
            format!("/api/v10/webhooks/1234/{SECRET}"),
            "wait=true&thread_id=5",
        ),
        (
            "7/token",
            "/api/v10/webhooks/7/token".to_owned(),
            "wait=true",
        ),
        (
            "https://ptb.discord.com/api/webhooks/8/token",
            "/api/v10/webhooks/8/token".to_owned(),
            "wait=true",
        ),
    ] {
        provider
            .send(&to(address, ChatMessage::new("hi")))
            .await
            .expect("is taken");
        let request = fake.last();
        assert_eq!((&request.path, request.query.as_str()), (&path, query));
    }
    for address in [
        "other",
        "https://evil.example/api/webhooks/7/token",
        "7/../token",
    ] {
        let fault = provider.send(&to(address, ChatMessage::new("hi"))).await;
        assert_eq!(fault, Err(Fault::recipient("bad_address")), "{address}");
    }
    assert_eq!(fake.requests().len(), 3);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake)
        .refuse_long_texts(true)
        .build()
        .expect("builds");
    let embeds = Value::Array(vec![json!({}); 11]);
    for (chat, fault) in [
        (ChatMessage::new("x".repeat(2_001)), "text_too_long"),
        (ChatMessage::new(""), "no_body"),
        (ChatMessage::new("").with_blocks(embeds), "too_many_embeds"),
        (ChatMessage::new("hi").with_blocks(json!("x")), "bad_blocks"),
    ] {
        let refused = provider.send(&to("7/token", chat)).await;
        assert_eq!(refused, Err(Fault::request(fault)));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_limit_may_be_less_than_two_seconds() {
    let fake = FakeVendor::start(|_| limited(1.337));
    let provider = builder(&fake).build().expect("builds");
    let fault = provider.send(&to("7/token", ChatMessage::new("hi"))).await;
    let wait = Duration::from_millis(1_337);
    assert_eq!(fault, Err(Fault::retry_after("http_429", wait)));
}

#[tokio::test]
async fn an_answer_without_a_body_is_a_yes_without_an_id() {
    let fake = FakeVendor::start(|_| Reply::status(204));
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to("7/token", ChatMessage::new("hi"))).await;
    assert_eq!(receipt, Ok(Receipt::new()));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "discord://{host}?webhook=1234/{SECRET}&room=alerts&username=Example&link_previews=true&name=rooms"
    );
    let provider = DiscordProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "rooms");
    provider
        .send(&to("alerts", ChatMessage::new("hi")))
        .await
        .expect("is taken");
    let body = fake.only().json();
    assert_eq!(
        (&body["username"], body.get("flags")),
        (&json!("Example"), None)
    );
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("discord://", "host"),
        ("discord://default?webhook=hunter2", "webhook"),
        (
            "discord://default?webhook=https://example.com/api/webhooks/1/hunter2",
            "webhook",
        ),
        ("discord://default?room=hunter2&hunter2=1", "parameter"),
        ("discord://default?link_previews=hunter2", "link_previews"),
    ] {
        let error = DiscordProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn no_text_calls_anybody_on_discord() {
    check_texts::<Discord>(|text, request| {
        let body = request.json();
        let sent = body["content"].as_str().expect("a text");
        let lower = sent.to_lowercase();
        assert!(
            !lower.contains("@everyone") && !lower.contains("@here"),
            "{text:?}"
        );
        // Each of these begins something, if there is no backslash before it.
        let mut before = None;
        for c in sent.chars() {
            let escaped = before == Some('\\');
            // These two may be parts of an address, which goes as it is.
            let in_address = "_~".contains(c) && sent.contains("https://");
            assert!(
                escaped || in_address || !"*_~`|<[".contains(c),
                "{text:?} gave {sent:?}"
            );
            before = if escaped { None } else { Some(c) };
        }
        assert_eq!(body["allowed_mentions"], json!({"parse": []}));
    });
}

#[test]
fn its_channel_takes_its_addresses() {
    let channel = discord::channel();
    assert_eq!(channel.id(), discord::CHANNEL);
    assert!(channel.accepts(&Address::new("discord", "alerts")));
    assert!(!channel.accepts(&Address::new("slack", "C1")));
}
