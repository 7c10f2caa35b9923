//! Resend's answers to `POST /emails`: the same key is the same mail.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The key of the account.
pub const KEY: &str = "re_example";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, name: &str| {
        Answer::new(head).json(&json!({ "statusCode": 0, "name": name, "message": "no" }))
    };
    if request.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return refused("403 Forbidden", "invalid_api_key");
    }
    if request.header("idempotency-key").is_none()
        || !request.is_post("/emails", "application/json")
    {
        return refused("404 Not Found", "not_found");
    }
    let body = request.json();
    let to = body.pointer("/to/0").and_then(Value::as_str);
    match (to, body["subject"].as_str()) {
        (Some(to), Some(subject)) if to != DEAD => Answer::new("200 OK")
            .json(&json!({ "id": "49a3999c-0ce1-4ea6-ab68-afcd6dc2e794" }))
            .took(to, subject),
        _ => {
            let why = "Invalid `to` field. The email address needs to follow the format.";
            let said = json!({ "statusCode": 422, "name": "validation_error", "message": why });
            Answer::new("422 Unprocessable Content").json(&said)
        }
    }
}
