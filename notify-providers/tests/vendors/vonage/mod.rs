//! Vonage.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::vonage::VonageProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "abcd1234";
const SECRET: &str = "test-secret-of-vonage";

pub struct Vonage;

impl Vendor for Vonage {
    const SECRETS: &'static [&'static str] = &[SECRET];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = VonageProvider::builder(KEY, SECRET, "Example");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Your code is 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+4477{number:08}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/sms/json")
        );
        assert_eq!(request.field("api_key").as_deref(), Some(KEY));
        let secret = request.field("api_secret");
        assert!(
            secret.is_some() != request.field("sig").is_some(),
            "one of both"
        );
        assert!(secret.is_none_or(|secret| secret == SECRET));
        assert!(request.field("from").is_some_and(|from| !from.is_empty()));
        let text = request.field("text").expect("a text");
        let unicode = request.field("type").as_deref() == Some("unicode");
        assert_eq!(unicode, !text.is_ascii());
        let to = request.field("to").expect("a number");
        assert!(to.bytes().all(|b| b.is_ascii_digit()), "{to}");
        vec![format!("+{to}")]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        answer(json!([taken(&ids[0])]))
    }

    fn reject_recipient(_: &Request) -> Reply {
        answer(json!([refused("33")]))
    }

    fn reject_request(_: &Request) -> Reply {
        answer(json!([refused("12")]))
    }

    fn bad_credentials() -> Reply {
        answer(json!([refused("4")]))
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            ("2", "request"),
            ("3", "request"),
            ("4", "config"),
            ("5", "provider"),
            ("6", "recipient"),
            ("7", "recipient"),
            ("8", "config"),
            ("9", "config"),
            ("11", "config"),
            ("12", "request"),
            ("14", "config"),
            ("15", "config"),
            ("22", "request"),
            ("23", "config"),
            ("29", "config"),
            ("32", "config"),
            ("33", "recipient"),
            // Not in the table.
            ("77", "request"),
        ]
        .map(|(status, kind)| Case::new(answer(json!([refused(status)])), kind, status))
        .into();
        for status in ["1", "10"] {
            let reply = answer(json!([refused(status)]));
            table.push(Case::new(reply, "provider", status).waiting(1));
        }
        let mixed = answer(json!([taken("1"), refused("1")]));
        table.push(Case::new(mixed, "unknown", "partial"));
        let all = answer(json!([refused("9"), refused("9")]));
        table.push(Case::new(all, "config", "9"));
        for nothing in [json!([]), json!([{"status": "0"}])] {
            table.push(Case::new(answer(nothing), "unknown", "answer"));
        }
        table.push(Case::new(Reply::status(403), "config", "http_403"));
        table
    }
}

/// The vendor's words for a segment that it took.
fn taken(id: &str) -> Value {
    json!({"to": "447700000000", "message-id": id, "status": "0", "remaining-balance": "3.14", "message-price": "0.03", "network": "23410"})
}

/// The vendor's words for a segment that it did not.
fn refused(status: &str) -> Value {
    json!({"status": status, "error-text": "no to 447700000000"})
}

fn answer(messages: Value) -> Reply {
    let count = messages.as_array().map_or(0, Vec::len).to_string();
    Reply::json(200, json!({"message-count": count, "messages": messages}))
}

crate::suite::cases::vendor_suite!(Vonage);
