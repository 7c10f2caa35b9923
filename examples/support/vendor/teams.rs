//! The answers of a workflow of Microsoft Teams: a card is taken by `202`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// A workflow that was deleted.
pub const DEAD: &str = "/workflows/gone";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    if request.path.starts_with(DEAD) {
        let error = json!({ "code": "WorkflowNotFound", "message": "no" });
        return Answer::new("404 Not Found").json(&json!({ "error": error }));
    }
    let body = request.json();
    match body
        .pointer("/attachments/0/content/body/0/text")
        .and_then(Value::as_str)
    {
        Some(text) => {
            let room = request.path.split('?').next().unwrap_or_default();
            Answer::new("202 Accepted").took(room, text)
        }
        None => Answer::new("400 Bad Request")
            .json(&json!({ "error": { "code": "InvalidRequestContent" } })),
    }
}
