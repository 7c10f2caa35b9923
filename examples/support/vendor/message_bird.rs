//! MessageBird's answers to `POST /messages`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The key of the account.
pub const KEY: &str = "example-key";
/// A number that it refuses.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, code: u16, parameter: &str| {
        let error = json!({ "code": code, "description": "no", "parameter": parameter });
        Answer::new(head).json(&json!({ "errors": [error] }))
    };
    if request.header("authorization") != Some(&format!("AccessKey {KEY}")) {
        return refused("401 Unauthorized", 2, "access_key");
    }
    if !request.is_post("/messages", "application/json") {
        return refused("404 Not Found", 20, "path");
    }
    let body = request.json();
    let to = body
        .pointer("/recipients/0")
        .and_then(Value::as_u64)
        .map(|to| format!("+{to}"));
    match (to, body["body"].as_str()) {
        (Some(to), Some(text)) if to != DEAD => {
            let item = json!({ "recipient": body["recipients"][0], "status": "sent" });
            let recipients = json!({ "totalSentCount": 1, "items": [item] });
            Answer::new("201 Created")
                .json(
                    &json!({ "id": "e8077d803532c0b5937c639b60216938", "recipients": recipients }),
                )
                .took(to, text)
        }
        _ => refused("422 Unprocessable Content", 9, "recipients"),
    }
}
