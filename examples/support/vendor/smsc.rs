//! SMSC.ru's answers to `POST /sys/send.php`: also a no has the status 200.

use serde_json::json;

use super::{Answer, Request};

/// The login.
pub const LOGIN: &str = "alex";
/// Its password.
pub const PASSWORD: &str = "example-password";
/// A number that it refuses.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let refused =
        |code: u16| Answer::new("200 OK").json(&json!({ "error": "no", "error_code": code }));
    if !request.is_post("/sys/send.php", "application/x-www-form-urlencoded") {
        return Answer::new("404 Not Found");
    }
    let login = (request.field("login"), request.field("psw"));
    if login != (Some(LOGIN.to_owned()), Some(PASSWORD.to_owned())) {
        return refused(2);
    }
    match (request.field("phones"), request.field("mes")) {
        (Some(to), Some(text)) if to != DEAD => Answer::new("200 OK")
            .json(&json!({ "id": "4711", "cnt": 1 }))
            .took(to, text),
        (None, _) | (_, None) => refused(1),
        _ => refused(7),
    }
}
