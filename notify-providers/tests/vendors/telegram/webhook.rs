//! Telegram's updates.

use notify_core::Address;
use notify_core::clock::Timestamp;
use notify_core::provider::{ProviderEvent, ProviderEventKind, WebhookError, WebhookParser};
use notify_core::testkit::webhook::{Sample, SignedRequest, WebhookHarness};
use notify_providers::chat::telegram::TelegramWebhook;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "secret-token_of-the_webhook";
const HEADER: &str = "X-Telegram-Bot-Api-Secret-Token";
const NOW: Timestamp = Timestamp::from_micros(1_767_225_600_000_000);

fn post(update: &Value) -> SignedRequest {
    SignedRequest::post("https://example.com/hooks/telegram", update.to_string())
        .with_header("Content-Type", "application/json")
        .with_header(HEADER, SECRET)
}

/// After the Bot API: `ChatMemberUpdated`.
fn membership(status: &str) -> Value {
    let bot =
        json!({"id": 123_456, "is_bot": true, "first_name": "Example", "username": "example_bot"});
    json!({"update_id": 10_000, "my_chat_member": {
        "chat": {"id": 1_111, "type": "private", "first_name": "Ada"},
        "from": {"id": 1_111, "is_bot": false, "first_name": "Ada"},
        "date": 1_767_225_599,
        "old_chat_member": {"user": bot, "status": "member"},
        "new_chat_member": {"user": bot, "status": status, "until_date": 0},
    }})
}

/// After the Bot API: `Message`.
fn said(text: &str) -> Value {
    json!({"update_id": 10_001, "message": {
        "message_id": 1_365, "date": 1_767_225_599, "text": text,
        "chat": {"id": 1_111, "type": "private", "first_name": "Ada"},
        "from": {"id": 1_111, "is_bot": false, "first_name": "Ada"},
    }})
}

struct Harness;

impl WebhookHarness for Harness {
    fn parser(&self) -> Arc<dyn WebhookParser> {
        Arc::new(TelegramWebhook::new("telegram", SECRET))
    }

    fn stranger(&self) -> Arc<dyn WebhookParser> {
        Arc::new(TelegramWebhook::new("telegram", "another-secret"))
    }

    fn request(&self, sample: Sample, _: Timestamp) -> Option<SignedRequest> {
        match sample {
            Sample::One => Some(post(&membership("kicked"))),
            Sample::UnknownKind => {
                Some(post(&json!({"update_id": 1, "moon_phase": {"full": true}})))
            }
            _ => None,
        }
    }

    fn window(&self) -> Option<Duration> {
        None
    }

    fn signs_body(&self) -> bool {
        false
    }

    fn secrets(&self) -> Vec<String> {
        vec![SECRET.to_owned()]
    }
}

notify_core::webhook_tests!(Harness);

fn event(update: &Value) -> ProviderEvent {
    let parsed = post(update).parsed_by(&TelegramWebhook::new("telegram", SECRET), NOW);
    parsed.expect("is Telegram's").events.remove(0)
}

#[test]
fn whoever_blocks_the_bot_wants_no_more() {
    for (status, kind) in [
        ("kicked", ProviderEventKind::Unsubscribed),
        ("left", ProviderEventKind::Unsubscribed),
        ("member", ProviderEventKind::Resubscribed),
        ("administrator", ProviderEventKind::Resubscribed),
        ("creator", ProviderEventKind::Resubscribed),
        ("restricted", ProviderEventKind::Resubscribed),
        ("dancing", ProviderEventKind::unknown("my_chat_member")),
    ] {
        let event = event(&membership(status));
        assert_eq!(event.kind, kind, "{status}");
        assert_eq!(event.address, Some(Address::new("telegram", "1111")));
        assert_eq!(event.event_id.as_deref(), Some("10000"));
        assert_eq!(event.at, Timestamp::from_micros(1_767_225_599_000_000));
    }
    let mut outside = membership("restricted");
    outside["my_chat_member"]["new_chat_member"]["is_member"] = false.into();
    assert_eq!(event(&outside).kind, ProviderEventKind::Unsubscribed);
}

#[test]
fn a_button_finds_its_message() {
    let event = event(&json!({"update_id": 10_002, "callback_query": {
        "id": "4382bfdwdsb323b2d9", "data": "done-17", "chat_instance": "1",
        "from": {"id": 1_111, "is_bot": false, "first_name": "Ada"},
        "message": {"message_id": 42, "date": 1_767_225_000, "chat": {"id": -1_001, "type": "supergroup"}, "text": "hi"},
    }}));
    assert_eq!(event.kind, ProviderEventKind::clicked(None));
    assert_eq!(event.message_id.as_deref(), Some("-1001:42"));
    assert_eq!(event.address, Some(Address::new("telegram", "-1001")));
    assert_eq!(event.raw["callback_query"]["data"], "done-17");
    assert_eq!(event.at, NOW, "Telegram does not say when");
}

#[test]
fn commands_count_in_a_private_chat_only() {
    for (text, kind) in [
        ("/stop", ProviderEventKind::Unsubscribed),
        ("/start", ProviderEventKind::Resubscribed),
        ("/start ref-17", ProviderEventKind::Resubscribed),
        ("/stopwatch", ProviderEventKind::Replied),
        ("please stop", ProviderEventKind::Replied),
    ] {
        assert_eq!(event(&said(text)).kind, kind, "{text}");
        let mut group = said(text);
        group["message"]["chat"]["type"] = "group".into();
        assert_eq!(event(&group).kind, ProviderEventKind::Replied, "{text}");
    }
}

#[test]
fn an_answer_finds_its_message() {
    let mut update = said("thanks");
    update["message"]["reply_to_message"] =
        json!({"message_id": 42, "date": 1, "chat": {"id": 1_111, "type": "private"}});
    let event = event(&update);
    assert_eq!(event.kind, ProviderEventKind::Replied);
    assert_eq!(event.message_id.as_deref(), Some("1111:42"));
}

#[test]
fn what_no_person_says_keeps_its_name() {
    let mut moved = said("");
    moved["message"]["migrate_to_chat_id"] = json!(-1_001);
    assert_eq!(
        event(&moved).kind,
        ProviderEventKind::unknown("migrate_to_chat_id")
    );
    let mut bot = said("/stop");
    bot["message"]["from"]["is_bot"] = true.into();
    assert_eq!(event(&bot).kind, ProviderEventKind::unknown("message"));
    let mut joined = said("");
    let message = joined["message"].as_object_mut().expect("an object");
    message.remove("text");
    message.insert("new_chat_members".to_owned(), json!([]));
    assert_eq!(event(&joined).kind, ProviderEventKind::unknown("message"));
    let edited = json!({"update_id": 1, "edited_message": said("x")["message"]});
    assert_eq!(
        event(&edited).kind,
        ProviderEventKind::unknown("edited_message")
    );
}

#[test]
fn both_secrets_count_while_one_is_replaced_and_an_empty_one_never_does() {
    let parser = TelegramWebhook::new("telegram", "another-secret").or_secret(SECRET);
    let request = post(&membership("kicked"));
    assert!(request.parsed_by(&parser, NOW).is_ok());
    let mut empty = request;
    empty.headers.retain(|(name, _)| name != HEADER);
    let empty = empty.with_header(HEADER, "");
    let parsed = empty.parsed_by(&TelegramWebhook::new("telegram", ""), NOW);
    assert_eq!(parsed, Err(WebhookError::Unauthorized));
}
