//! MessageBird.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::message_bird::MessageBirdProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "test-key-of-message-bird";

pub struct MessageBird;

impl Vendor for MessageBird {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = MessageBirdProvider::builder(KEY, "Example");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Your code is 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+316{number:08}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/messages")
        );
        let login = format!("AccessKey {KEY}");
        assert_eq!(request.header("authorization"), Some(login.as_str()));
        let body = request.json();
        assert!(
            body["originator"]
                .as_str()
                .is_some_and(|from| !from.is_empty())
        );
        let text = body["body"].as_str().expect("a text");
        let coding = if text.is_ascii() { "plain" } else { "unicode" };
        assert_eq!(body["datacoding"], coding);
        let numbers = body["recipients"].as_array().expect("numbers");
        assert!(numbers.len() <= 50, "the vendor's limit");
        numbers
            .iter()
            .map(|number| format!("+{}", number.as_u64().expect("a number")))
            .collect()
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(&ids[0], &Self::addresses(request))
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(422, 9)
    }

    fn reject_request(_: &Request) -> Reply {
        refused(422, 10)
    }

    fn bad_credentials() -> Reply {
        refused(401, 2)
    }

    fn table() -> Vec<Case> {
        vec![
            Case::new(refused(401, 2), "config", "2"),
            Case::new(refused(422, 9), "recipient", "9"),
            Case::new(refused(422, 10), "request", "10"),
            Case::new(refused(404, 20), "request", "20"),
            Case::new(refused(422, 21), "request", "21"),
            Case::new(refused(402, 25), "config", "25"),
            Case::new(refused(422, 98), "provider", "98"),
            Case::new(refused(422, 99), "provider", "99"),
            Case::new(refused(422, 77), "request", "77"),
            Case::json(422, json!({"errors": []}), "request", "http_422"),
            Case::json(201, json!({"id": ""}), "unknown", "answer"),
            Case::new(
                taken("a", &["+31699999999".to_owned()]),
                "unknown",
                "short_answer",
            ),
        ]
    }
}

/// The vendor's words for a no.
fn refused(status: u16, code: u32) -> Reply {
    let error = json!({"code": code, "description": "no to 31600000000", "parameter": "recipient"});
    Reply::json(status, json!({"errors": [error]}))
}

/// The vendor's words for a yes.
fn taken(id: &str, numbers: &[String]) -> Reply {
    let item = |number: &String| {
        let number: u64 = number.trim_start_matches('+').parse().expect("a number");
        json!({"recipient": number, "status": "sent", "statusDatetime": "2016-05-11T13:04:05+00:00"})
    };
    let items: Vec<Value> = numbers.iter().map(item).collect();
    let recipients =
        json!({"totalCount": items.len(), "totalSentCount": items.len(), "items": items});
    let body = json!({"id": id, "href": "https://rest.messagebird.com/messages/1", "recipients": recipients});
    Reply::json(201, body)
}

crate::suite::cases::vendor_suite!(MessageBird);
