//! Firebase's answers: a token for a signed assertion, and `POST /v1/projects/<id>/messages:send`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The project.
pub const PROJECT: &str = "shop-1";
const ACCESS: &str = "ya29.example";
/// A device that has thrown the application away.
pub const DEAD: &str = "gone-instance:APA91bExample";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    if request.path == "/token" {
        let grant = request.field("grant_type");
        let assertion = request.field("assertion").unwrap_or_default();
        let is_signed = assertion.split('.').filter(|part| !part.is_empty()).count() == 3;
        if !is_signed || grant.as_deref() != Some("urn:ietf:params:oauth:grant-type:jwt-bearer") {
            return Answer::new("400 Bad Request").json(&json!({ "error": "invalid_grant" }));
        }
        let granted =
            json!({ "access_token": ACCESS, "expires_in": 3_599, "token_type": "Bearer" });
        return Answer::new("200 OK").json(&granted);
    }
    let refused = |head: &str, status: &str, code: &str| {
        let detail = json!({ "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code });
        let error = json!({ "status": status, "message": "no", "details": [detail] });
        Answer::new(head).json(&json!({ "error": error }))
    };
    if request.header("authorization") != Some(&format!("Bearer {ACCESS}")) {
        return refused(
            "401 Unauthorized",
            "UNAUTHENTICATED",
            "THIRD_PARTY_AUTH_ERROR",
        );
    }
    let path = format!("/v1/projects/{PROJECT}/messages:send");
    if !request.is_post(&path, "application/json") {
        return Answer::new("404 Not Found");
    }
    let body = request.json();
    let title = body
        .pointer("/message/notification/title")
        .and_then(Value::as_str);
    match body.pointer("/message/token").and_then(Value::as_str) {
        None | Some(DEAD) => refused("404 Not Found", "NOT_FOUND", "UNREGISTERED"),
        Some(token) => Answer::new("200 OK")
            .json(&json!({ "name": format!("projects/{PROJECT}/messages/0:1500415314455276") }))
            .took(token, title.unwrap_or("(silent)")),
    }
}
