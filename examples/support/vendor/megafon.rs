//! MegaFon's answers to `POST /sms/v1/sms`: also a no has the status 200. Which of its codes names a dead number is not published.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The login.
pub const LOGIN: &str = "alex";
/// Its password.
pub const PASSWORD: &str = "example";
/// Both, as a browser would write them.
const BASIC: &str = "Basic YWxleDpleGFtcGxl";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    if request.header("authorization") != Some(BASIC) {
        return Answer::new("401 Unauthorized");
    }
    if !request.is_post("/sms/v1/sms", "application/json") {
        return Answer::new("404 Not Found");
    }
    let body = request.json();
    let said = |code: u16, id: Value| {
        let status =
            json!({ "code": code, "description": if code == 0 { "Success" } else { "no" } });
        json!({ "result": { "status": status, "msg_id": id } })
    };
    match (body["to"].as_u64(), body["message"].as_str()) {
        (Some(to), Some(text)) => Answer::new("200 OK")
            .json(&said(0, json!("4711")))
            .took(format!("+{to}"), text),
        _ => Answer::new("200 OK").json(&said(11, Value::Null)),
    }
}
