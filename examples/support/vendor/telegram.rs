//! Telegram's answers to `POST /bot<token>/sendMessage`.

use serde_json::json;

use super::{Answer, Request};

/// The token of the bot.
pub const TOKEN: &str = "123456:AAF-example";
/// Somebody who blocked the bot.
pub const DEAD: &str = "700000002";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, code: u16, why: &str| {
        Answer::new(head).json(&json!({ "ok": false, "error_code": code, "description": why }))
    };
    if !request.is_post(&format!("/bot{TOKEN}/sendMessage"), "application/json") {
        return refused("404 Not Found", 404, "Not Found");
    }
    let body = request.json();
    let to = body["chat_id"].as_i64().map(|to| to.to_string());
    match (to, body["text"].as_str()) {
        (Some(to), Some(text)) if to != DEAD => {
            let message = json!({ "message_id": 7, "date": 1, "chat": { "id": body["chat_id"], "type": "private" } });
            Answer::new("200 OK")
                .json(&json!({ "ok": true, "result": message }))
                .took(to, text)
        }
        (None, _) | (_, None) => {
            refused("400 Bad Request", 400, "Bad Request: message text is empty")
        }
        _ => refused(
            "403 Forbidden",
            403,
            "Forbidden: bot was blocked by the user",
        ),
    }
}
