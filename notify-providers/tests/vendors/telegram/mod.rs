//! Telegram.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::ChatMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::chat::telegram::{self, TelegramProvider};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "123456:AAF-test_token_of_telegram";
/// The part of the token that is a secret.
const SECRET: &str = "AAF-test_token_of_telegram";

pub struct Telegram;

fn message(text: &str) -> Message {
    Message::new(ChatMessage::new(text)).on(telegram::CHANNEL)
}

impl Vendor for Telegram {
    const SECRETS: &'static [&'static str] = &[TOKEN, SECRET];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = TelegramProvider::builder(TOKEN).http(fake.options());
        Ok(Arc::new(builder.build()?))
    }

    fn message() -> Message {
        message("hello")
    }

    fn address(number: usize) -> Address {
        Address::new(telegram::SCHEME, format!("{}", 700_000_000 + number))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let path = format!("/bot{TOKEN}/sendMessage");
        assert_eq!((request.method.as_str(), &request.path), ("POST", &path));
        assert_eq!(request.query, "");
        let body = request.json();
        assert!(body["text"].as_str().is_some_and(|text| !text.is_empty()));
        assert_eq!(body["parse_mode"], "HTML");
        vec![body["chat_id"].as_i64().expect("a number").to_string()]
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        let number: i64 = ids[0].trim_start_matches("id-").parse().expect("a number");
        sent(&request.json()["chat_id"], number)
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(403, "Forbidden: bot was blocked by the user")
    }

    fn reject_request(_: &Request) -> Reply {
        refused(
            400,
            "Bad Request: can't parse entities: unsupported start tag",
        )
    }

    fn rate_limit(wait: Duration) -> Reply {
        limited(json!(wait.as_secs()))
    }

    fn outage() -> Reply {
        refused(500, "Internal Server Error")
    }

    fn bad_credentials() -> Reply {
        refused(401, "Unauthorized")
    }

    fn table() -> Vec<Case> {
        let rows = ROWS.iter();
        let mut table: Vec<Case> = rows
            .map(|(status, words, kind, code)| Case::new(refused(*status, words), kind, code))
            .collect();
        table.push(Case::new(limited(json!(5)), "provider", "http_429").waiting(5));
        let said = Reply::json(
            200,
            json!({"ok": false, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
        );
        table.push(Case::new(said, "recipient", "blocked"));
        table
    }
}

/// Status and description of a no, whose fault it is, and its code.
const ROWS: &[(u16, &str, &str, &str)] = &[
    (
        403,
        "Forbidden: bot was blocked by the user",
        "recipient",
        "blocked",
    ),
    (
        403,
        "Forbidden: user is deactivated",
        "recipient",
        "user_deactivated",
    ),
    (
        403,
        "Forbidden: bot was kicked from the supergroup chat",
        "recipient",
        "kicked",
    ),
    (
        403,
        "Forbidden: bot is not a member of the channel chat",
        "recipient",
        "not_a_member",
    ),
    (
        403,
        "Forbidden: bot can't initiate conversation with a user",
        "recipient",
        "not_started",
    ),
    (
        403,
        "Forbidden: bots can't send messages to bots",
        "recipient",
        "is_a_bot",
    ),
    (
        400,
        "Bad Request: chat not found",
        "recipient",
        "chat_not_found",
    ),
    (
        400,
        "Bad Request: PEER_ID_INVALID",
        "recipient",
        "peer_id_invalid",
    ),
    (
        400,
        "Bad Request: user not found",
        "recipient",
        "user_not_found",
    ),
    (
        403,
        "Forbidden: the group chat was deactivated",
        "recipient",
        "group_deactivated",
    ),
    (
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        "recipient",
        "group_upgraded",
    ),
    (
        400,
        "Bad Request: have no rights to send a message",
        "request",
        "no_rights",
    ),
    (
        400,
        "Bad Request: not enough rights to send text messages to the chat",
        "request",
        "no_rights",
    ),
    (
        403,
        "Forbidden: CHAT_WRITE_FORBIDDEN",
        "request",
        "no_rights",
    ),
    (
        400,
        "Bad Request: can't parse entities",
        "request",
        "cannot_parse",
    ),
    (
        400,
        "Bad Request: message is too long",
        "request",
        "too_long",
    ),
    (
        400,
        "Bad Request: message text is empty",
        "request",
        "empty",
    ),
    (
        400,
        "Bad Request: message thread not found",
        "request",
        "http_400",
    ),
    (403, "Forbidden: something new", "request", "http_403"),
    (401, "Unauthorized", "config", "http_401"),
    (404, "Not Found", "config", "http_404"),
    (500, "Internal Server Error", "provider", "http_500"),
];

/// Telegram's yes.
fn sent(chat: &Value, message: i64) -> Reply {
    let chat = json!({"id": chat, "type": "private", "first_name": "Ada"});
    let message =
        json!({"message_id": message, "chat": chat, "date": 1_700_000_000, "text": "hello"});
    Reply::json(200, json!({"ok": true, "result": message}))
}

/// Telegram's words for a no.
fn refused(status: u16, description: &str) -> Reply {
    let no = json!({"ok": false, "error_code": status, "description": description});
    Reply::json(status, no)
}

fn limited(seconds: Value) -> Reply {
    let words = format!("Too Many Requests: retry after {seconds}");
    let no = json!({"ok": false, "error_code": 429, "description": words, "parameters": {"retry_after": seconds}});
    Reply::json(429, no)
}

crate::suite::cases::vendor_suite!(Telegram);
