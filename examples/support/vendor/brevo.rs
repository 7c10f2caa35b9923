//! Brevo's answers to `POST /v3/smtp/email`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The key of the account.
pub const KEY: &str = "xkeysib-example";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, code: &str, why: &str| {
        Answer::new(head).json(&json!({ "code": code, "message": why }))
    };
    if request.header("api-key") != Some(KEY) {
        return refused("401 Unauthorized", "unauthorized", "Key not found");
    }
    if !request.is_post("/v3/smtp/email", "application/json") {
        return refused("404 Not Found", "document_not_found", "no such method");
    }
    let body = request.json();
    let to = body.pointer("/to/0/email").and_then(Value::as_str);
    match (to, body["subject"].as_str()) {
        (Some(to), Some(subject)) if to != DEAD => Answer::new("201 Created")
            .json(&json!({ "messageId": "<202411211.example@smtp-relay.example.com>" }))
            .took(to, subject),
        _ => refused(
            "400 Bad Request",
            "invalid_parameter",
            "email is not valid in to",
        ),
    }
}
