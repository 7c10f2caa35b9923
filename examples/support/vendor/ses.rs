//! Amazon SES's answers to `POST /v2/email/outbound-emails`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The access key.
pub const KEY: &str = "AKIDEXAMPLE";
/// Its secret.
pub const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |kind: &str, why: &str| {
        let head = format!("400 Bad Request\r\nX-Amzn-ErrorType: {kind}");
        Answer::new(head).json(&json!({ "message": why }))
    };
    let signed = format!("AWS4-HMAC-SHA256 Credential={KEY}/");
    let is_signed = |header: &str| header.starts_with(&signed) && header.contains("Signature=");
    if !request.header("authorization").is_some_and(is_signed) {
        return refused("IncompleteSignature", "the request is not signed");
    }
    if !request.is_post("/v2/email/outbound-emails", "application/json") {
        return refused("NotFoundException", "no such method");
    }
    let body = request.json();
    let to = body
        .pointer("/Destination/ToAddresses/0")
        .and_then(Value::as_str);
    let subject = body.pointer("/Content/Simple/Subject/Data");
    match (to, subject.and_then(Value::as_str)) {
        (None | Some(DEAD), _) => refused("BadRequestException", "Missing final '@domain'"),
        (_, None) => refused("BadRequestException", "Content is required"),
        (Some(to), Some(subject)) => Answer::new("200 OK")
            .json(&json!({ "MessageId": "0100018f-example" }))
            .took(to, subject),
    }
}
