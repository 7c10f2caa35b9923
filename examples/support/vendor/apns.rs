//! Apple's answers to `POST /3/device/<token>`, over HTTP/2 alone.

use serde_json::json;

use super::{Answer, Request};

/// The key of the account.
pub const KEY_ID: &str = "ABC123DEFG";
/// The team.
pub const TEAM_ID: &str = "DEF123GHIJ";
/// The application.
pub const TOPIC: &str = "com.example.shop";
/// A device that has thrown the application away.
pub const DEAD: &str = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8ff";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, reason: &str| Answer::new(head).json(&json!({ "reason": reason }));
    let Some(token) = request.path.strip_prefix("/3/device/") else {
        return refused("404 Not Found", "BadPath");
    };
    if !request.is_http2() {
        return Answer::new("505 HTTP Version Not Supported");
    }
    // A header, claims and a signature, which the developer account would check.
    let signed = request
        .header("authorization")
        .and_then(|header| header.strip_prefix("bearer "));
    if signed.is_none_or(|token| token.split('.').count() != 3) {
        return refused("403 Forbidden", "MissingProviderToken");
    }
    if request.header("apns-topic") != Some(TOPIC) {
        return refused("400 Bad Request", "BadTopic");
    }
    if request.body.len() > 4_096 {
        return refused("413 Payload Too Large", "PayloadTooLarge");
    }
    if token == DEAD {
        let gone = json!({ "reason": "Unregistered", "timestamp": 1_700_000_000_000_i64 });
        return Answer::new("410 Gone").json(&gone);
    }
    let title = request
        .json()
        .pointer("/aps/alert/title")
        .cloned()
        .unwrap_or_default();
    let id = request.header("apns-id").unwrap_or_default();
    Answer::new(format!("200 OK\r\napns-id: {id}"))
        .took(token, title.as_str().unwrap_or("(silent)"))
}
