//! Huawei's answers: a token for the application's secret, and `POST /v1/<app>/messages:send`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The application.
pub const APP: &str = "100000001";
/// Its secret.
pub const SECRET: &str = "example-secret";
const ACCESS: &str = "CV-example";
/// A device that has thrown the application away.
pub const DEAD: &str = "IQAAAACy0gone";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    if request.path == "/oauth2/v3/token" {
        if request.field("client_secret").as_deref() != Some(SECRET) {
            return Answer::new("400 Bad Request").json(&json!({ "error": 1101 }));
        }
        let granted =
            json!({ "access_token": ACCESS, "expires_in": 3_600, "token_type": "Bearer" });
        return Answer::new("200 OK").json(&granted);
    }
    let said = |code: &str, why: &str| {
        Answer::new("200 OK").json(&json!({ "code": code, "msg": why, "requestId": "r-1" }))
    };
    if request.header("authorization") != Some(&format!("Bearer {ACCESS}")) {
        return said("80200001", "Oauth authentication error");
    }
    let body = request.json();
    let title = [
        "/message/android/notification/title",
        "/message/notification/title",
    ]
    .iter()
    .find_map(|at| body.pointer(at).and_then(Value::as_str));
    match body.pointer("/message/token/0").and_then(Value::as_str) {
        None | Some(DEAD) => said("80300007", "All the tokens are invalid"),
        Some(token) => said("80000000", "Success").took(token, title.unwrap_or("(silent)")),
    }
}
