//! MTS Exolve's answers to `POST /messaging/v1/SendSMS`.

use serde_json::json;

use super::{Answer, Request};

/// The key of the application.
pub const KEY: &str = "example-key";
/// A number that it refuses.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, why: &str| {
        Answer::new(head).json(&json!({ "error": { "code": 3, "message": why, "details": [] } }))
    };
    if request.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return refused("401 Unauthorized", "no");
    }
    if !request.is_post("/messaging/v1/SendSMS", "application/json") {
        return refused("404 Not Found", "no");
    }
    let body = request.json();
    let to = body["destination"].as_str().map(|to| format!("+{to}"));
    match (to, body["text"].as_str()) {
        (Some(to), Some(text)) if to != DEAD => Answer::new("200 OK")
            .json(&json!({ "message_id": "439166538239448536" }))
            .took(to, text),
        _ => refused(
            "400 Bad Request",
            "invalid SendRequest.Destination: value does not match regex pattern",
        ),
    }
}
