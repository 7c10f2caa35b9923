//! Twilio's answers to `POST /2010-04-01/Accounts/{account}/Messages.json`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{Answer, Request};

/// The account.
pub const ACCOUNT: &str = "AC0123";
/// Its token.
pub const TOKEN: &str = "example-token";
/// A number that is no mobile phone.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused = |head: &str, code: u32, why: &str| {
        Answer::new(head).json(&json!({ "code": code, "message": why }))
    };
    let login = STANDARD.encode(format!("{ACCOUNT}:{TOKEN}"));
    if request.header("authorization") != Some(&format!("Basic {login}")) {
        return refused("401 Unauthorized", 20003, "Authenticate");
    }
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    if !request.is_post(&path, "application/x-www-form-urlencoded") {
        return refused("404 Not Found", 20404, "The resource was not found");
    }
    let field = |name| request.field(name).filter(|value| !value.is_empty());
    let (Some(to), Some(_), Some(body)) = (field("To"), field("From"), field("Body")) else {
        return refused("400 Bad Request", 21602, "Message body is required");
    };
    if to == DEAD {
        return refused("400 Bad Request", 21614, "'To' is not a mobile number");
    }
    let sid = format!("SM{:0>32}", to.trim_start_matches('+'));
    Answer::new("201 Created")
        .json(&json!({ "sid": sid, "status": "queued", "error_code": null }))
        .took(to, body)
}
