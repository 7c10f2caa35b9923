//! Slack's answers to `POST /api/chat.postMessage`: also a no has the status 200, and says so in the body.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The token of the bot.
pub const TOKEN: &str = "xoxb-example";
/// A room that is not there any more.
pub const DEAD: &str = "C0GONE";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |why: &str| Answer::new("200 OK").json(&json!({ "ok": false, "error": why }));
    if !request.is_post("/api/chat.postMessage", "application/json") {
        return refused("unknown_method");
    }
    if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refused("invalid_auth");
    }
    let body = request.json();
    match (body["channel"].as_str(), body["text"].as_str()) {
        (None | Some(DEAD), _) => refused("channel_not_found"),
        (_, None | Some("")) => refused("no_text"),
        // Asked for by whoever does not want stars and angle brackets to mean something.
        _ if body["mrkdwn"] != Value::Bool(false) => refused("invalid_arguments"),
        (Some(room), Some(text)) => Answer::new("200 OK")
            .json(&json!({ "ok": true, "channel": room, "ts": "1503435956.000247" }))
            .took(room, text),
    }
}
