//! Amazon SNS's answers to `Publish`: forms that are signed, and XML.

use super::{Answer, Request};

/// The access key.
pub const KEY: &str = "AKIDEXAMPLE";
/// Its secret.
pub const SECRET: &str = "wJalrXUtnFEMI-K7MDENG-bPxRfiCYEXAMPLEKEY";
/// A number that it refuses.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |code: &str, why: &str| {
        let error = format!(
            "<Error><Type>Sender</Type><Code>{code}</Code><Message>{why}</Message></Error>"
        );
        Answer::new("400 Bad Request").xml(&format!("<ErrorResponse>{error}</ErrorResponse>"))
    };
    let signed = format!("AWS4-HMAC-SHA256 Credential={KEY}/");
    let is_signed = |header: &str| header.starts_with(&signed) && header.contains("Signature=");
    if !request.header("authorization").is_some_and(is_signed) {
        return refused("IncompleteSignature", "the request is not signed");
    }
    if request.field("Action").as_deref() != Some("Publish") {
        return refused("InvalidAction", "no such action");
    }
    match (request.field("PhoneNumber"), request.field("Message")) {
        (Some(to), Some(text)) if to != DEAD => Answer::new("200 OK")
            .xml("<PublishResponse><PublishResult><MessageId>94f20ce6-13c5</MessageId></PublishResult></PublishResponse>")
            .took(to, text),
        _ => refused("InvalidParameter", "Invalid parameter: PhoneNumber Reason: it is not valid to publish to"),
    }
}
