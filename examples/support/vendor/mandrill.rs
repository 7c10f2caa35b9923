//! Mandrill's answers to `POST /api/1.0/messages/send.json`: the status of each address is in the body.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The key of the account.
pub const KEY: &str = "md-example";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |name: &str| {
        let said = json!({ "status": "error", "code": -1, "name": name, "message": "no" });
        Answer::new("500 Internal Server Error").json(&said)
    };
    if !request.is_post("/api/1.0/messages/send.json", "application/json") {
        return refused("Unknown_Method");
    }
    let body = request.json();
    if body["key"] != KEY {
        return refused("Invalid_Key");
    }
    let to = body.pointer("/message/to/0/email").and_then(Value::as_str);
    let Some((to, subject)) = to.zip(body.pointer("/message/subject").and_then(Value::as_str))
    else {
        return refused("ValidationError");
    };
    let is_dead = to == DEAD;
    let (status, why) = if is_dead {
        ("rejected", json!("hard-bounce"))
    } else {
        ("sent", Value::Null)
    };
    let said =
        json!([{ "email": to, "status": status, "reject_reason": why, "_id": "abc123abc123" }]);
    let answer = Answer::new("200 OK").json(&said);
    if is_dead {
        answer
    } else {
        answer.took(to, subject)
    }
}
