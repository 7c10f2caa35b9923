//! Postmark.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::testkit::Answer;
use notify_core::{Address, Message, Result};
use notify_providers::email::postmark::PostmarkProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const TOKEN: &str = "server-token-of-postmark";

/// From the list of error codes of the vendor's documentation: status, code, words, whose fault, its code.
const REFUSALS: &[(u16, i64, &str, &str, &str)] = &[
    (
        422,
        300,
        "Invalid 'To' address: 'nobody'.",
        "recipient",
        "invalid_to",
    ),
    (
        422,
        300,
        "Error parsing 'To': Illegal email domain 'x' in address 'a@x'.",
        "recipient",
        "invalid_to",
    ),
    (
        422,
        300,
        "Invalid 'From' address: 'nobody'.",
        "request",
        "300",
    ),
    (422, 300, "Invalid metadata content.", "request", "300"),
    (401, 10, "No server token.", "config", "10"),
    (
        422,
        400,
        "The 'From' address is not a Sender Signature.",
        "config",
        "400",
    ),
    (
        422,
        401,
        "The Sender Signature is not confirmed.",
        "config",
        "401",
    ),
    (422, 402, "Invalid JSON.", "request", "402"),
    (
        422,
        405,
        "Not allowed to send: you ran out of credits.",
        "config",
        "405",
    ),
    (422, 411, "Forbidden attachment type.", "request", "411"),
    (422, 412, "Account is pending.", "config", "412"),
    (422, 413, "Account may not send.", "config", "413"),
    (422, 1101, "The template is not valid.", "request", "1101"),
    (
        422,
        1235,
        "The message stream was not found.",
        "config",
        "1235",
    ),
    (200, 429, "Rate limit exceeded.", "provider", "429"),
    (
        503,
        100,
        "The Postmark API is offline for maintenance.",
        "provider",
        "100",
    ),
    (500, 0, "Internal server error.", "provider", "http_500"),
];

pub struct Postmark;

impl Vendor for Postmark {
    const SECRETS: &'static [&'static str] = &[TOKEN];
    const TAKES_BATCHES_WHOLE: bool = false;

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let from = "Example <news@example.com>".parse()?;
        let builder = PostmarkProvider::builder(TOKEN, from).http(fake.options());
        Ok(Arc::new(builder.build()?))
    }

    fn message() -> Message {
        Message::new(EmailMessage::new("Greetings", "hello"))
    }

    fn address(number: usize) -> Address {
        Address::email(format!("reader-{number:06}@example.org"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("x-postmark-server-token"), Some(TOKEN));
        assert_eq!(request.header("accept"), Some("application/json"));
        let mails = match request.path.as_str() {
            "/email" => vec![request.json()],
            "/email/batch" => request.json().as_array().expect("a list").clone(),
            other => panic!("there is no {other}"),
        };
        assert!((1..=500).contains(&mails.len()));
        let address = |mail: &Value| {
            assert_eq!(mail["From"], "Example <news@example.com>");
            assert!(mail["Subject"].is_string());
            assert!(mail["TextBody"].is_string() || mail["HtmlBody"].is_string());
            assert!(
                mail["Metadata"]
                    .as_object()
                    .is_none_or(|data| data.len() <= 10)
            );
            mail["To"].as_str().expect("an address").to_owned()
        };
        mails.iter().map(address).collect()
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        let outcomes = ids.iter().map(|id| taken(id)).collect();
        answered(request, 200, outcomes)
    }

    fn reject_recipient(request: &Request) -> Reply {
        let outcomes = Self::addresses(request).into_iter().map(|_| inactive());
        answered(request, 422, outcomes.collect())
    }

    fn reject_request(request: &Request) -> Reply {
        let outcomes = Self::addresses(request).into_iter().map(|_| too_large());
        answered(request, 422, outcomes.collect())
    }

    fn answer_each(request: &Request, answers: &[(Answer, String)]) -> Reply {
        let outcome = |(answer, id): &(Answer, String)| match answer {
            Answer::RejectRecipient => inactive(),
            Answer::RejectRequest => too_large(),
            _ => taken(id),
        };
        answered(request, 200, answers.iter().map(outcome).collect())
    }

    fn bad_credentials() -> Reply {
        said(
            401,
            10,
            "The Server Token you provided in the X-Postmark-Server-Token request header was invalid.",
        )
    }

    fn table() -> Vec<Case> {
        let case = |row: &(u16, i64, &str, &'static str, &'static str)| {
            let (status, code, words, whose, fault) = *row;
            Case::new(said(status, code, words), whose, fault)
        };
        let mut table = vec![
            Case::new(Reply::json(422, inactive()), "recipient", "406"),
            Case::new(Reply::status(429), "provider", "http_429"),
            Case::json(
                200,
                json!({"ErrorCode": 0, "Message": "OK"}),
                "unknown",
                "answer",
            ),
        ];
        table.extend(REFUSALS.iter().map(case));
        table
    }
}

/// The vendor's answer: one object to one mail, a list with 200 to a batch.
fn answered(request: &Request, status: u16, mut outcomes: Vec<Value>) -> Reply {
    if request.path == "/email/batch" {
        return Reply::json(200, outcomes.into());
    }
    Reply::json(status, outcomes.remove(0))
}

fn taken(id: &str) -> Value {
    json!({
        "To": "receiver@example.com",
        "SubmittedAt": "2014-02-17T07:25:01.4178645-05:00",
        "MessageID": id,
        "ErrorCode": 0,
        "Message": "OK",
    })
}

/// As the vendor says it, with the address in its words.
fn inactive() -> Value {
    let message = "You tried to send to a recipient that has been marked as inactive. Found inactive addresses: reader-000000@example.org. \
                   Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.";
    json!({"ErrorCode": 406, "Message": message})
}

fn too_large() -> Value {
    json!({"ErrorCode": 300, "Message": "Invalid 'HtmlBody'. It is too large."})
}

fn said(status: u16, code: i64, message: &str) -> Reply {
    Reply::json(status, json!({"ErrorCode": code, "Message": message}))
}

crate::suite::cases::vendor_suite!(Postmark);
