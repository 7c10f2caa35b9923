//! Plivo's answers to `POST /v1/Account/<id>/Message/`.

use serde_json::json;

use super::{Answer, Request};

/// The account.
pub const ACCOUNT: &str = "MAEXAMPLE";
/// Its token.
pub const TOKEN: &str = "example-token";
/// Both, as a browser would write them.
const BASIC: &str = "Basic TUFFWEFNUExFOmV4YW1wbGUtdG9rZW4=";
/// A number that it refuses.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    if request.header("authorization") != Some(BASIC) {
        return Answer::new("401 Unauthorized");
    }
    if !request.is_post(
        &format!("/v1/Account/{ACCOUNT}/Message/"),
        "application/json",
    ) {
        return Answer::new("404 Not Found");
    }
    let body = request.json();
    let said = |ids: &[&str], invalid: &[&str]| json!({ "api_id": "a", "message": "message(s) queued", "message_uuid": ids, "invalid_number": invalid });
    match (body["dst"].as_str(), body["text"].as_str()) {
        (Some(to), Some(text)) if to != DEAD => Answer::new("202 Accepted")
            .json(&said(&["db3ce55a-7f1d-11e1-8ea7-1231380bc196"], &[]))
            .took(to, text),
        _ => Answer::new("202 Accepted").json(&said(&[], &[DEAD])),
    }
}
