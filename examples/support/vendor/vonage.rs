//! Vonage's answers to `POST /sms/json`: also a no has the status 200, and says so in the body.

use serde_json::json;

use super::{Answer, Request};

/// The account's key.
pub const KEY: &str = "example-key";
/// Its secret.
pub const SECRET: &str = "example-secret";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |status: &str, why: &str| {
        let message = json!({ "status": status, "error-text": why });
        Answer::new("200 OK").json(&json!({ "message-count": "1", "messages": [message] }))
    };
    if !request.is_post("/sms/json", "application/x-www-form-urlencoded") {
        return Answer::new("404 Not Found");
    }
    let field = |name| request.field(name).filter(|value| !value.is_empty());
    let login = (field("api_key"), field("api_secret"));
    if login != (Some(KEY.to_owned()), Some(SECRET.to_owned())) {
        return refused("4", "Bad Credentials");
    }
    let (Some(to), Some(_), Some(text)) = (field("to"), field("from"), field("text")) else {
        return refused("2", "Missing params");
    };
    let message = json!({ "to": to, "message-id": format!("0C{to}"), "status": "0" });
    Answer::new("200 OK")
        .json(&json!({ "message-count": "1", "messages": [message] }))
        .took(format!("+{to}"), text)
}
