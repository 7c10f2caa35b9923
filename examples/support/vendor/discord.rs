//! Discord's answers to `POST /api/v10/webhooks/<id>/<token>`.

use serde_json::json;

use super::{Answer, Request};

/// A webhook that was deleted.
pub const DEAD: &str = "4711/gone";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let Some(room) = request.path.strip_prefix("/api/v10/webhooks/") else {
        return Answer::new("404 Not Found")
            .json(&json!({ "code": 0, "message": "404: Not Found" }));
    };
    let room = room.split('?').next().unwrap_or_default();
    let body = request.json();
    match body["content"].as_str() {
        _ if room == DEAD => Answer::new("404 Not Found")
            .json(&json!({ "code": 10015, "message": "Unknown Webhook" })),
        // Asked for by whoever does not want that a user's text calls everybody.
        Some(text) if body["allowed_mentions"] == json!({ "parse": [] }) => Answer::new("200 OK")
            .json(&json!({ "id": "1148", "type": 0, "channel_id": "77", "content": text }))
            .took(room, text),
        _ => Answer::new("400 Bad Request")
            .json(&json!({ "code": 50006, "message": "Cannot send an empty message" })),
    }
}
