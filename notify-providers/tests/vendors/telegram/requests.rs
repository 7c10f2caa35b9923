//! What Telegram is asked.

use super::{SECRET, TOKEN, Telegram, refused, sent};
use crate::hostile::{check_texts, check_texts_by};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::{Channel as _, ChatMessage};
use notify_core::provider::{Envelope, Fault, Provider};
use notify_core::{Address, Message};
use notify_providers::chat::telegram::{self, TelegramBuilder, TelegramMarkup, TelegramProvider};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn fake() -> FakeVendor {
    FakeVendor::start(|request| sent(&request.json()["chat_id"], 42))
}

fn builder(fake: &FakeVendor) -> TelegramBuilder {
    TelegramProvider::builder(TOKEN).http(fake.options())
}

fn to(address: &str, chat: ChatMessage) -> Envelope {
    let message = Message::new(chat).on(telegram::CHANNEL);
    Envelope::new("key", Address::new(telegram::SCHEME, address), message)
}

#[tokio::test]
async fn a_message_is_escaped_for_html() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let chat = ChatMessage::new("5 < 6 & <b>so</b> on");
    let receipt = provider.send(&to("-1001234567890", chat)).await;
    let receipt = receipt.expect("is taken");
    assert_eq!(receipt.message_id.as_deref(), Some("-1001234567890:42"));
    let expected = json!({
        "chat_id": -1_001_234_567_890_i64,
        "text": "5 &lt; 6 &amp; &lt;b&gt;so&lt;/b&gt; on",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": true},
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn a_message_is_escaped_for_markdown() {
    let fake = fake();
    let provider = builder(&fake)
        .markup(TelegramMarkup::MarkdownV2)
        .silent(true);
    let provider = provider
        .protect_content(true)
        .link_previews(true)
        .build()
        .expect("builds");
    provider
        .send(&to("7", ChatMessage::new("*1.5* [x](y)")))
        .await
        .expect("is taken");
    let expected = json!({
        "chat_id": 7,
        "text": r"\*1\.5\* \[x\]\(y\)",
        "parse_mode": "MarkdownV2",
        "disable_notification": true,
        "protect_content": true,
    });
    assert_eq!(fake.only().json(), expected);
}

#[tokio::test]
async fn blocks_are_further_parameters() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let keyboard = json!({"inline_keyboard": [[{"text": "Done", "callback_data": "done-17"}]]});
    let chat = ChatMessage::new("a & b")
        .with_blocks(json!({"reply_markup": keyboard, "message_thread_id": 3}));
    provider.send(&to("7", chat)).await.expect("is taken");
    let body = fake.last().json();
    assert_eq!(
        (&body["reply_markup"], &body["message_thread_id"]),
        (&keyboard, &json!(3))
    );
    assert_eq!(
        (&body["text"], &body["parse_mode"]),
        (&json!("a &amp; b"), &json!("HTML"))
    );

    let own = ChatMessage::new("a & b").with_blocks(json!({"text": "<b>a</b>"}));
    provider.send(&to("7", own)).await.expect("is taken");
    let body = fake.last().json();
    assert_eq!(body["text"], "<b>a</b>");
    assert_eq!(body.get("parse_mode"), None, "its own, if it has one");
}

/// A vendor that has moved a group from one id to another.
fn moving(request: &Request) -> Reply {
    let body = request.json();
    if body["chat_id"] != -17 {
        return sent(&body["chat_id"], 42);
    }
    let no = json!({
        "ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
        "parameters": {"migrate_to_chat_id": -1_001_234_567_890_i64},
    });
    Reply::json(400, no)
}

#[tokio::test]
async fn a_group_that_has_moved_is_followed_once() {
    let fake = FakeVendor::start(moving);
    let provider = builder(&fake).build().expect("builds");
    let receipt = provider.send(&to("-17", ChatMessage::new("hi"))).await;
    let id = receipt.expect("is taken").message_id;
    assert_eq!(
        id.as_deref(),
        Some("-1001234567890:42"),
        "the new id is told"
    );
    assert_eq!(fake.requests().len(), 2);

    let fake = FakeVendor::start(|_| {
        let no = json!({
            "ok": false, "error_code": 400, "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": {"migrate_to_chat_id": -18},
        });
        Reply::json(400, no)
    });
    let provider = builder(&fake).build().expect("builds");
    let fault = provider.send(&to("-17", ChatMessage::new("hi"))).await;
    assert_eq!(fault, Err(Fault::recipient("group_upgraded")));
    assert_eq!(fake.requests().len(), 2, "not in circles");
}

#[tokio::test]
async fn both_calls_to_a_group_that_has_moved_share_the_time() {
    let fake = FakeVendor::start(|request| moving(request).after(Duration::from_millis(200)));
    let provider = builder(&fake).build().expect("builds");
    let mut envelope = to("-17", ChatMessage::new("hi"));
    envelope.timeout = Duration::from_millis(300);
    assert_eq!(
        provider.send(&envelope).await,
        Err(Fault::unknown("timeout"))
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_before_any_call() {
    let fake = fake();
    let provider = builder(&fake)
        .refuse_long_texts(true)
        .build()
        .expect("builds");
    let hi = || ChatMessage::new("hi");
    for (envelope, fault) in [
        (to("ada", hi()), Fault::recipient("bad_address")),
        (to("7 ", hi()), Fault::recipient("bad_address")),
        (
            to("7", ChatMessage::new("x".repeat(4_097))),
            Fault::request("text_too_long"),
        ),
        (to("7", ChatMessage::new("")), Fault::request("no_body")),
        (
            to("7", hi().with_blocks(json!({"chat_id": 8}))),
            Fault::request("bad_blocks"),
        ),
        (
            to("7", hi().with_blocks(json!([{}]))),
            Fault::request("bad_blocks"),
        ),
        (
            to("7", ChatMessage::new("").with_blocks(json!({"silent": 1}))),
            Fault::request("no_body"),
        ),
    ] {
        assert_eq!(provider.send(&envelope).await, Err(fault));
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn a_long_text_is_cut_as_people_count_it() {
    let fake = fake();
    let provider = builder(&fake).build().expect("builds");
    let long = ChatMessage::new("&".repeat(5_000));
    provider.send(&to("7", long)).await.expect("is taken");
    let body = fake.only().json();
    let text = body["text"].as_str().expect("a text").replace("&amp;", "&");
    assert_eq!(text.chars().count(), 4_096, "before it was escaped");
}

#[tokio::test]
async fn a_line_of_configuration_is_enough() {
    let fake = fake();
    let host = fake.url().replace("http://", "");
    let dsn = format!(
        "telegram://{TOKEN}@{host}?name=bot&markup=markdown&silent=true&test=true&protect_content=false"
    );
    let provider = TelegramProvider::from_url(&dsn).expect("reads");
    assert_eq!(provider.name().as_str(), "bot");
    provider
        .send(&to("@example_news", ChatMessage::new("hi")))
        .await
        .expect_err("the fake knows numbers only");
    let request = fake.only();
    assert_eq!(request.path, format!("/bot{TOKEN}/test/sendMessage"));
    let body = request.json();
    assert_eq!(
        (&body["chat_id"], &body["parse_mode"]),
        (&json!("@example_news"), &json!("MarkdownV2"))
    );
}

#[test]
fn what_cannot_work_is_refused_when_it_is_built() {
    for (dsn, field) in [
        ("telegram://default", "token"),
        ("telegram://hunter2@default", "token"),
        ("telegram://hunter2:x@default", "token"),
        ("telegram://12:hunter2%2F..@default", "token"),
        ("telegram://12:@default", "token"),
        ("telegram://12:hunter2@", "host"),
        ("telegram://12:hunter2@default?markup=hunter2", "markup"),
        ("telegram://12:hunter2@default?silent=hunter2", "silent"),
        ("telegram://12:hunter2@default?hunter2=1", "parameter"),
    ] {
        let error = TelegramProvider::from_url(dsn).expect_err(dsn);
        assert_eq!(error.field_name(), Some(field), "{dsn}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn the_token_in_the_path_is_in_no_fault() {
    let fake = FakeVendor::start(|_| refused(404, "Not Found"));
    let provider = builder(&fake).build().expect("builds");
    let fault = provider
        .send(&to("7", ChatMessage::new("hi")))
        .await
        .expect_err("no");
    fake.stop().await;
    let gone = provider
        .send(&to("7", ChatMessage::new("hi")))
        .await
        .expect_err("gone");
    let printed = format!(
        "{fault} {fault:?} {gone} {gone:?} {provider:?} {:?}",
        TelegramProvider::builder(TOKEN)
    );
    assert!(!printed.contains(SECRET), "{printed}");
}

/// What Telegram shows of HTML; `None` if there is anything in it that it acts on.
fn shown(html: &str) -> Option<String> {
    let without = ["&amp;", "&lt;", "&gt;"]
        .iter()
        .fold(html.to_owned(), |text, entity| text.replace(entity, ""));
    (!without.contains(['&', '<', '>'])).then(|| {
        html.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
    })
}

#[test]
fn no_text_means_anything_to_telegram() {
    check_texts::<Telegram>(|text, request| {
        let body = request.json();
        let sent = body["text"].as_str().expect("a text");
        assert_eq!(shown(sent).as_deref(), Some(text));
        assert_eq!(body["parse_mode"], "HTML");
    });
}

/// What Telegram shows of MarkdownV2; `None` if there is anything in it that it acts on.
fn shown_of_markdown(text: &str) -> Option<String> {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(chars.next()?),
            c if "_*[]()~`>#+-=|{}.!".contains(c) => return None,
            c => out.push(c),
        }
    }
    Some(out)
}

#[test]
fn no_text_means_anything_in_the_other_markup() {
    let provider = |fake: &FakeVendor| -> Arc<dyn Provider> {
        let builder = builder(fake).markup(TelegramMarkup::MarkdownV2);
        Arc::new(builder.build().expect("builds"))
    };
    check_texts_by::<Telegram>(provider, |text, request| {
        let body = request.json();
        let sent = body["text"].as_str().expect("a text");
        assert_eq!(shown_of_markdown(sent).as_deref(), Some(text));
        assert_eq!(body["parse_mode"], "MarkdownV2");
    });
}

#[test]
fn its_channel_takes_its_addresses() {
    let channel = telegram::channel();
    assert_eq!(channel.id(), telegram::CHANNEL);
    assert!(channel.accepts(&Address::new("telegram", "7")));
    assert!(!channel.accepts(&Address::new("slack", "C1")));
}
