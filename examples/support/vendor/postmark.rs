//! Postmark's answers to `POST /email` and `/email/batch`.

use serde_json::{Value, json};

use super::{Answer, Request};

/// The token of the server.
pub const TOKEN: &str = "server-token";
/// An address that it refuses.
pub const DEAD: &str = "gone@example.com";

/// What it says.
pub fn answer(request: &Request) -> Answer {
    if request.header("x-postmark-server-token") != Some(TOKEN) {
        let why = json!({ "ErrorCode": 10, "Message": "No server token." });
        return Answer::new("401 Unauthorized").json(&why);
    }
    let body = request.json();
    let mails = match (request.path.as_str(), &body) {
        ("/email", one) => vec![one.clone()],
        ("/email/batch", Value::Array(mails)) => mails.clone(),
        _ => return Answer::new("404 Not Found"),
    };
    let (mut outcomes, mut taken) = (Vec::new(), Vec::new());
    for mail in &mails {
        match (mail["To"].as_str(), mail["Subject"].as_str()) {
            (Some(to), Some(subject)) if to != DEAD => {
                taken.push((to.to_owned(), subject.to_owned()));
                let id = format!("b7bc2f4a-{}", taken.len());
                outcomes
                    .push(json!({ "ErrorCode": 0, "Message": "OK", "MessageID": id, "To": to }));
            }
            _ => outcomes.push(json!({ "ErrorCode": 406, "Message": "inactive recipient" })),
        }
    }
    let is_one = request.path == "/email";
    let head = if is_one && taken.is_empty() {
        "422 Unprocessable Content"
    } else {
        "200 OK"
    };
    let said = if is_one {
        outcomes.remove(0)
    } else {
        Value::Array(outcomes)
    };
    let answer = Answer::new(head).json(&said);
    taken
        .into_iter()
        .fold(answer, |answer, (to, what)| answer.took(to, what))
}
