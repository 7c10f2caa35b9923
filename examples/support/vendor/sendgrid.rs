//! SendGrid's answers to `POST /v3/mail/send`: all mails of a call are taken, or none.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The account's key.
pub const KEY: &str = "SG.example";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, field: Value, message: &str| {
        let error = json!({ "errors": [{ "field": field, "message": message, "help": null }] });
        Answer::new(head).json(&error)
    };
    if request.header("authorization") != Some(&format!("Bearer {KEY}")) {
        let why = "The provided authorization grant is invalid, expired, or revoked";
        return refused("401 Unauthorized", Value::Null, why);
    }
    if !request.is_post("/v3/mail/send", "application/json") {
        return refused("404 Not Found", Value::Null, "no such method");
    }
    let body = request.json();
    for (field, pointer) in [
        ("from.email", "/from/email"),
        ("content", "/content/0/value"),
    ] {
        if !body.pointer(pointer).is_some_and(Value::is_string) {
            return refused("400 Bad Request", field.into(), "is required");
        }
    }
    let mut taken = Answer::new("202 Accepted\r\nX-Message-Id: 14c5d75ce93");
    let mails = body["personalizations"].as_array();
    for (no, mail) in mails.into_iter().flatten().enumerate() {
        let to = mail.pointer("/to/0/email").and_then(Value::as_str);
        match (to, mail["subject"].as_str()) {
            (Some(to), Some(subject)) if to != DEAD => taken = taken.took(to, subject),
            _ => {
                let field = format!("personalizations.{no}.to.0.email");
                let why = "Does not contain a valid address.";
                return refused("400 Bad Request", field.into(), why);
            }
        }
    }
    taken
}
