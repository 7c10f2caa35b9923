//! SMS.ru's answers to `POST /sms/send`: also a no has the status 200.

use serde_json::{Map, json};

use super::{Answer, Request};

/// The key of the account.
pub const API_ID: &str = "example-api-id";
/// A number that it refuses.
pub const DEAD: &str = "+15550199";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    let said =
        |code: u16| Answer::new("200 OK").json(&json!({ "status": "ERROR", "status_code": code }));
    if !request.is_post("/sms/send", "application/x-www-form-urlencoded") {
        return said(210);
    }
    if request.field("api_id").as_deref() != Some(API_ID) {
        return said(200);
    }
    let Some((digits, text)) = request.fields().into_iter().find_map(|(name, text)| {
        let digits = name.strip_prefix("to[")?.strip_suffix(']')?;
        Some((digits.to_owned(), text))
    }) else {
        return said(202);
    };
    let to = format!("+{digits}");
    let is_dead = to == DEAD;
    let one = if is_dead {
        json!({ "status": "ERROR", "status_code": 202, "status_text": "no" })
    } else {
        json!({ "status": "OK", "status_code": 100, "sms_id": "000000-10000000" })
    };
    let mut sms = Map::new();
    sms.insert(digits, one);
    let answer =
        Answer::new("200 OK").json(&json!({ "status": "OK", "status_code": 100, "sms": sms }));
    if is_dead {
        answer
    } else {
        answer.took(to, text)
    }
}
