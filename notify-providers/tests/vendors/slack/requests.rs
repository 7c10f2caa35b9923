//! What Slack is asked.

use super::{Slack, TOKEN, body};
use crate::hostile::check_texts;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Channel as _, ChatMessage};
use notify_core::provider::{Envelope, Fault, Provider as _};
use notify_core::{Address, CategoryId, DeliveryId, Message, NotificationId};
use notify_providers::chat::slack::{self, SlackProvider};
use serde_json::{Value, json};

fn fake() -> FakeVendor {
    FakeVendor::start(|_| {
        Reply::json(
            200,
            json!({"ok": true, "channel": "D7", "ts": "1700000000.000100"}),
        )
    })
}

fn provider(fake: &FakeVendor) -> SlackProvider {
    let builder = SlackProvider::builder(TOKEN).http(fake.options());
    builder.build().expect("builds")
}

fn to(address: &str, chat: ChatMessage) -> Envelope {
    let message = Message::new(chat).on(slack::CHANNEL);
    Envelope::new("key", Address::new(slack::SCHEME, address), message)
}

#[tokio::test]
async fn a_message_is_plain_text_with_our_ids() {
    let fake = fake();
    let mut envelope = to("U7", ChatMessage::new("5 < 6 & <!channel> *wow*"));
    envelope.delivery = DeliveryId::from_u128(7);
    envelope.notification = NotificationId::from_u128(8);
    envelope.category = CategoryId::new("orders");
    let receipt = provider(&fake).send(&envelope).await.expect("is taken");
    let id = receipt.message_id;
    assert_eq!(
        id.as_deref(),
        Some("D7:1700000000.000100"),
        "as events have it"
    );
    let expected = json!({
        "channel": "U7",
        "text": "5 &lt; 6 &amp; &lt;!channel&gt; *wow*",
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "metadata": {
            "event_type": "notification",
            "event_payload": {
                "delivery_id": "00000000-0000-0000-0000-000000000007",
                "notification_id": "00000000-0000-0000-0000-000000000008",
                "tenant": "default",
                "category": "orders",
            },
        },
    });
    assert_eq!(body(&fake.only()), expected);
}

#[tokio::test]
async fn blocks_go_as_they_are_with_the_text_for_notifications() {
    let fake = fake();
    let provider = provider(&fake);
    let blocks =
        json!([{"type": "section", "text": {"type": "mrkdwn", "text": "*Green* <!here>"}}]);
    let chat = ChatMessage::new("Green").with_blocks(blocks.clone());
    provider.send(&to("C1", chat)).await.expect("is taken");
    let sent = body(&fake.last());
    assert_eq!((&sent["blocks"], &sent["text"]), (&blocks, &json!("Green")));

    let fields = json!({"thread_ts": "1700000000.000100", "attachments": [{"text": "a"}]});
    let chat = ChatMessage::new("").with_blocks(fields);
    provider.send(&to("C1", chat)).await.expect("is taken");
    let sent = body(&fake.last());
    assert_eq!(sent["thread_ts"], "1700000000.000100");
    assert_eq!(sent["attachments"], json!([{"text": "a"}]));
    assert_eq!(sent.get("text"), None);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let strict = SlackProvider::builder(TOKEN).refuse_long_texts(true);
    let provider = strict.http(fake.options()).build().expect("builds");
    let elsewhere = ChatMessage::new("hi").with_blocks(json!({"channel": "C2"}));
    let mut mail = to("C1", ChatMessage::new("hi"));
    mail.address = Address::email("ada@example.org");
    for (envelope, fault) in [
        (to("C1", elsewhere), Fault::request("bad_blocks")),
        (to("C1", ChatMessage::new(" ")), Fault::request("no_body")),
        (
            to("C1", ChatMessage::new("x".repeat(40_001))),
            Fault::request("text_too_long"),
        ),
        (
            to("C 1", ChatMessage::new("hi")),
            Fault::recipient("bad_address"),
        ),
        (
            to(
                "https://hooks.slack.com/services/T1/B1/x",
                ChatMessage::new("hi"),
            ),
            Fault::recipient("bad_address"),
        ),
        (mail, Fault::request("wrong_scheme")),
    ] {
        assert_eq!(provider.send(&envelope).await, Err(fault));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_long_text_is_cut() {
    let fake = fake();
    let long = ChatMessage::new("x".repeat(50_000));
    provider(&fake)
        .send(&to("C1", long))
        .await
        .expect("is taken");
    let sent = body(&fake.only());
    let text = sent["text"].as_str().expect("a text");
    assert_eq!(text.chars().count(), 40_000);
    assert!(text.ends_with('…'));
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!("slack://{TOKEN}@{host}?name=bot&link_previews=true");
    let provider = SlackProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "bot");
    let sent = provider.send(&to("C1", ChatMessage::new("hi"))).await;
    sent.expect("is taken");
    let request = fake.only();
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(request.header("authorization"), Some(bearer.as_str()));
    assert_eq!(body(&request)["unfurl_links"], true);

    let dsn = format!("slack://{host}?webhook=T1/B1/x&room=alerts");
    let rooms = SlackProvider::from_url(&dsn).expect("reads");
    let sent = rooms.send(&to("alerts", ChatMessage::new("hi"))).await;
    assert_eq!(sent, Err(Fault::unknown("answer")), "this is the Web API");
    assert_eq!(fake.last().path, "/services/T1/B1/x");
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("slack://%20@default", "token"),
        ("slack://hunter2@", "host"),
        ("slack://hunter2@default?hunter2=1", "parameter"),
        ("slack://hunter2@default?webhook=T1/B1/hunter2", "parameter"),
        (
            "slack://hunter2@default?link_previews=hunter2",
            "link_previews",
        ),
        (
            "slack://hunter2@default?refuse_long_texts=hunter2",
            "refuse_long_texts",
        ),
        (
            "slack://default?webhook=https://example.com/hunter2",
            "webhook",
        ),
        ("slack://default?webhook=T1/B1/hunter2&room=", "webhook"),
    ] {
        let error = SlackProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let mixed = SlackProvider::builder(TOKEN)
        .webhook("a", "T1/B1/x")
        .build();
    assert_eq!(mixed.expect_err("is a bot").field_name(), Some("webhook"));
}

/// What Slack shows of an escaped text; `None` if there is a sign in it that Slack acts on.
fn shown(text: &str) -> Option<String> {
    let without = ["&amp;", "&lt;", "&gt;"]
        .iter()
        .fold(text.to_owned(), |text, entity| text.replace(entity, ""));
    (!without.contains(['&', '<', '>'])).then(|| {
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    })
}

#[test]
fn no_text_means_anything_to_slack() {
    check_texts::<Slack>(|text, request| {
        let body = body(request);
        let sent = body["text"].as_str().expect("a text");
        assert_eq!(shown(sent).as_deref(), Some(text));
        assert_eq!(body["mrkdwn"], Value::Bool(false));
        assert_eq!((body.get("link_names"), body.get("parse")), (None, None));
    });
}

#[test]
fn its_channel_takes_its_addresses() {
    let channel = slack::channel();
    assert_eq!(channel.id(), slack::CHANNEL);
    assert!(channel.accepts(&Address::new("slack", "C1")));
    assert!(!channel.accepts(&Address::new("telegram", "1")));
}
