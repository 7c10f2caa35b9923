//! What FCM's refusals mean.

use notify_core::provider::{Fault, FaultKind};
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};

/// By FCM's `errorCode`, else by Google's `status`, else by the status of HTTP.
const RULES: &[Rule] = &[
    (When::Code("UNREGISTERED"), Verdict::Recipient),
    (When::Code(NO_TOKEN), Verdict::Recipient),
    (When::Code("SENDER_ID_MISMATCH"), Verdict::Recipient),
    // The quota is one of messages a minute.
    (When::Code("QUOTA_EXCEEDED"), Verdict::Wait(60)),
    (When::Code("RESOURCE_EXHAUSTED"), Verdict::Wait(60)),
    (When::Code("UNAVAILABLE"), Verdict::Provider),
    (When::Code("INTERNAL"), Verdict::Provider),
    // What FCM shows to Apple or to a browser's service was refused there.
    (When::Code("THIRD_PARTY_AUTH_ERROR"), Verdict::Config),
    (When::Code("APNS_AUTH_ERROR"), Verdict::Config),
    // The project; a dead token has a code.
    (When::Status(404), Verdict::Config),
];

/// Of requests for a token: all is for an operator but what passes by itself.
const TOKEN_RULES: &[Rule] = &[
    (When::Status(400), Verdict::Config),
    (When::Status(404), Verdict::Config),
    (When::Status(405), Verdict::Config),
];

/// Our word for a registration token that is none.
const NO_TOKEN: &str = "invalid_token";

/// The details of an error, each with its `@type`.
fn details(body: &Value) -> impl Iterator<Item = &Value> {
    let details = body
        .pointer("/error/details")
        .and_then(Value::as_array)
        .map(Vec::as_slice);
    details.unwrap_or_default().iter()
}

/// FCM's own code.
fn error_code(body: &Value) -> Option<&str> {
    details(body).find_map(|detail| detail.get("errorCode")?.as_str())
}

/// Google's code.
fn status(body: &Value) -> Option<&str> {
    body.pointer("/error/status")?.as_str()
}

/// Whether an `INVALID_ARGUMENT` is about the token, and not about what is in the message: the latter kills no device.
fn is_about_token(body: &Value) -> bool {
    let violations = details(body).filter_map(|detail| detail.get("fieldViolations")?.as_array());
    let mut fields = violations
        .flatten()
        .filter_map(|violation| violation.get("field")?.as_str());
    let text = body.pointer("/error/message").and_then(Value::as_str);
    let text = text.unwrap_or_default().to_ascii_lowercase();
    fields.any(|field| field == "message.token")
        || text.contains("not a valid fcm registration token")
}

/// The fault of a message that was refused. `to_device`: it was to a token, and not to a topic.
pub(super) fn of(answer: &Answer, to_device: bool) -> Fault {
    let body: Value = answer.read().unwrap_or_default();
    let code = match error_code(&body).or_else(|| status(&body)) {
        Some("INVALID_ARGUMENT") if to_device && is_about_token(&body) => Some(NO_TOKEN),
        code => code,
    };
    answer.refusal().code(code).fault(RULES)
}

/// Whether the access token was refused, and not one that FCM itself shows to somebody.
pub(super) fn is_token_refused(answer: &Answer) -> bool {
    if answer.status() != 401 {
        return false;
    }
    let body: Value = answer.read().unwrap_or_default();
    status(&body) == Some("UNAUTHENTICATED") && error_code(&body).is_none()
}

/// The fault of a request for a token that was refused: such as `invalid_grant`, for a key that was withdrawn or a clock that is wrong.
pub(super) fn of_token(answer: &Answer) -> Fault {
    let body: Value = answer.read().unwrap_or_default();
    let code = body.get("error").and_then(Value::as_str);
    let fault = answer.refusal().code(code).fault(TOKEN_RULES);
    let code = fault.code().to_owned();
    match fault.kind() {
        // It says nothing about the message.
        FaultKind::Request => Fault::config(code),
        FaultKind::Unknown => Fault::provider(code),
        _ => fault,
    }
}
