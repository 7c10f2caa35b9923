//! What a workflow of Teams is asked.

use super::{SECRET, Teams, card};
use crate::hostile::check_texts;
use crate::support::http::{FakeVendor, Reply};
use notify_core::channel::{Channel as _, ChatMessage};
use notify_core::provider::{Envelope, Fault, Provider as _, Receipt};
use notify_core::{Address, Message};
use notify_providers::chat::teams::{self, TeamsBuilder, TeamsProvider};
use notify_providers::http::Guard;
use serde_json::json;

fn fake() -> FakeVendor {
    FakeVendor::start(|_| Reply::status(202))
}

fn builder(fake: &FakeVendor) -> TeamsBuilder {
    TeamsProvider::builder()
        .workflow(
            "alerts",
            format!("{}/workflows/1?api-version=1&sig={SECRET}", fake.url()),
        )
        .guard(Guard::new().allow_loopback())
        .http(fake.options())
}

fn to(address: &str, chat: ChatMessage) -> Envelope {
    let message = Message::new(chat).on(teams::CHANNEL);
    Envelope::new("key", Address::new(teams::SCHEME, address), message)
}

#[tokio::test]
async fn a_message_is_a_card_with_one_block() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let chat = ChatMessage::new("*Build* 17\r\n\r\nis [green](x)\n");
    let receipt = provider.send(&to("alerts", chat)).await;
    assert_eq!(receipt, Ok(Receipt::new()), "Teams tells no id");
    let request = fake.only();
    assert_eq!(
        (request.path.as_str(), request.query.as_str()),
        ("/workflows/1", "api-version=1&sig=hunter2-hunter2")
    );
    let expected = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "TextBlock", "text": r"\*Build\* 17".to_owned() + "\n\n" + r"is \[green\](x)", "wrap": true}],
    });
    assert_eq!(card(&request), expected);
}

#[tokio::test]
async fn blocks_are_a_card_or_its_body() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let own = json!({"type": "AdaptiveCard", "version": "1.5", "body": [{"type": "TextBlock", "text": "**Green**"}]});
    let chat = ChatMessage::new("Green_").with_blocks(own.clone());
    provider.send(&to("alerts", chat)).await.expect("is taken");
    let mut expected = own;
    expected["fallbackText"] = r"Green\_".into();
    assert_eq!(card(&fake.last()), expected);

    let elements = json!([{"type": "FactSet", "facts": []}]);
    let chat = ChatMessage::new("").with_blocks(elements.clone());
    provider.send(&to("alerts", chat)).await.expect("is taken");
    let card = card(&fake.last());
    assert_eq!(
        (&card["body"], &card["version"]),
        (&elements, &json!("1.4"))
    );
}

#[tokio::test]
async fn any_body_of_a_yes_but_the_words_of_a_no_is_a_yes() {
    for reply in [
        Reply::status(200),
        Reply::text(200, "1"),
        Reply::json(202, json!({"run": "x"})),
    ] {
        let fake = FakeVendor::start(move |_| reply.clone());
        let provider = builder(&fake).build().expect("builds");
        let receipt = provider.send(&to("alerts", ChatMessage::new("hi"))).await;
        assert_eq!(receipt, Ok(Receipt::new()));
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake)
        .refuse_long_texts(true)
        .build()
        .expect("builds");
    let hi = || ChatMessage::new("hi");
    let large = json!([{"type": "TextBlock", "text": "x".repeat(28 * 1_024)}]);
    for (envelope, fault) in [
        (to("other", hi()), Fault::recipient("bad_address")),
        (
            to("https://10.0.0.1/workflows/1?sig=x", hi()),
            Fault::request("url_forbidden"),
        ),
        (
            to("http://example.com/workflows/1?sig=x", hi()),
            Fault::request("url_forbidden"),
        ),
        (
            to("https://user@example.com/workflows/1", hi()),
            Fault::request("url_forbidden"),
        ),
        (
            to("alerts", ChatMessage::new("x".repeat(24_001))),
            Fault::request("text_too_long"),
        ),
        (
            to("alerts", hi().with_blocks(large)),
            Fault::request("too_large"),
        ),
        (
            to("alerts", hi().with_blocks(json!({"type": "MessageCard"}))),
            Fault::request("bad_blocks"),
        ),
        (
            to("alerts", ChatMessage::new(" \n")),
            Fault::request("no_body"),
        ),
    ] {
        assert_eq!(provider.send(&envelope).await, Err(fault));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn the_longest_text_fits_whatever_is_in_it() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    for part in ["x", "\n*", "\"\\", "😀", "{{"] {
        let long = ChatMessage::new(part.repeat(30_000));
        provider.send(&to("alerts", long)).await.expect("is taken");
        let size = fake.last().body.len();
        assert!((20_000..=28 * 1_024).contains(&size), "{part:?}: {size}");
    }
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("teams://", "host"),
        ("teams://example.com", "host"),
        ("teams://default?webhook=hunter2", "webhook"),
        (
            "teams://default?webhook=https%3A%2F%2Fexample.com%2F%3Fsig%3Dhunter2&room=",
            "webhook",
        ),
        ("teams://default?hunter2=1", "parameter"),
    ] {
        let error = TeamsProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    let dsn = "teams://default?webhook=https%3A%2F%2Fexample.com%2F%3Fsig%3Dhunter2&room=alerts&name=rooms";
    let provider = TeamsProvider::from_url(dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "rooms");
    let printed = format!("{provider:?}");
    assert!(
        printed.contains("alerts") && !printed.contains("hunter2"),
        "{printed}"
    );
}

#[test]
fn no_text_means_anything_to_a_card() {
    check_texts::<Teams>(|text, request| {
        let card = card(request);
        let sent = card["body"][0]["text"].as_str().expect("a text");
        assert!(!sent.contains("{{"), "{text:?} gave {sent:?}");
        let mut before = None;
        for c in sent.chars() {
            let escaped = before == Some('\\');
            assert!(escaped || !"*_~`[".contains(c), "{text:?} gave {sent:?}");
            before = if escaped { None } else { Some(c) };
        }
        assert_eq!(card.get("msteams"), None, "without it an <at> is nobody");
    });
}

#[test]
fn its_channel_takes_its_addresses() {
    let channel = teams::channel();
    assert_eq!(channel.id(), teams::CHANNEL);
    assert!(channel.accepts(&Address::new("teams", "alerts")));
    assert!(!channel.accepts(&Address::new("slack", "C1")));
}
