//! Mailgun's answers to `POST /v3/<domain>/messages`: a form, where no files come with it.

use serde_json::json;

use super::{Answer, Request};

/// The key of the account.
pub const KEY: &str = "key-example";
/// `api:` and the key, as a browser would write it.
const BASIC: &str = "Basic YXBpOmtleS1leGFtcGxl";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, why: &str| Answer::new(head).json(&json!({ "message": why }));
    if request.header("authorization") != Some(BASIC) {
        return Answer::new("401 Unauthorized");
    }
    if !request.is_post(
        "/v3/mg.example.com/messages",
        "application/x-www-form-urlencoded",
    ) {
        return refused("404 Not Found", "no such method");
    }
    match (request.field("to"), request.field("subject")) {
        (Some(to), Some(subject)) if to != DEAD => Answer::new("200 OK")
            .json(&json!({ "id": "<20241121.1@mg.example.com>", "message": "Queued. Thank you." }))
            .took(to, subject),
        _ => refused(
            "400 Bad Request",
            "to parameter is not a valid address. please check documentation",
        ),
    }
}
