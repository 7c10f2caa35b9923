//! Twilio.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::twilio::TwilioProvider;
use serde_json::json;
use std::sync::Arc;

const ACCOUNT: &str = "AC0123456789abcdef";
const TOKEN: &str = "test-token-of-twilio";

pub struct Twilio;

impl Vendor for Twilio {
    const SECRETS: &'static [&'static str] = &[TOKEN];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = TwilioProvider::builder(ACCOUNT, TOKEN).from("+15550199");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Your code is 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+1555{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
        assert_eq!((request.method.as_str(), &request.path), ("POST", &path));
        let login = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
        assert_eq!(request.header("authorization"), Some(login.as_str()));
        let from = request.field("From").is_some();
        let service = request.field("MessagingServiceSid").is_some();
        assert!(from != service, "one of both");
        assert!(request.field("Body").is_some_and(|body| !body.is_empty()));
        vec![request.field("To").expect("a number")]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        let created =
            json!({"sid": ids[0], "status": "queued", "num_segments": "1", "error_code": null});
        Reply::json(201, created)
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(400, 21211)
    }

    fn reject_request(_: &Request) -> Reply {
        refused(400, 21617)
    }

    fn nonsense() -> Option<Reply> {
        Some(Reply::json(201, json!({"status": "queued"})))
    }

    fn table() -> Vec<Case> {
        [
            (401, 20003, "config", "20003"),
            (404, 20404, "config", "20404"),
            (429, 20429, "provider", "20429"),
            (400, 21211, "recipient", "21211"),
            (400, 21212, "config", "21212"),
            (400, 21408, "config", "21408"),
            (400, 21603, "config", "21603"),
            (400, 21606, "config", "21606"),
            (400, 21608, "config", "21608"),
            (400, 21610, "recipient", "21610"),
            (400, 21612, "request", "21612"),
            (400, 21614, "recipient", "21614"),
            (400, 21617, "request", "21617"),
            (400, 21659, "config", "21659"),
            (400, 30001, "provider", "30001"),
            (400, 30002, "config", "30002"),
            (400, 30003, "provider", "30003"),
            (400, 30004, "request", "30004"),
            (400, 30005, "recipient", "30005"),
            (400, 30006, "recipient", "30006"),
            (400, 30007, "request", "30007"),
            (400, 30008, "provider", "30008"),
            (400, 30032, "config", "30032"),
            (400, 30034, "config", "30034"),
            // Not in the table: by the status.
            (400, 21999, "request", "21999"),
            (500, 20500, "provider", "20500"),
        ]
        .map(|(status, code, kind, name)| Case::new(refused(status, code), kind, name))
        .into()
    }
}

/// The vendor's words for a no.
fn refused(status: u16, code: u32) -> Reply {
    let more = format!("https://www.twilio.com/docs/errors/{code}");
    let body =
        json!({"code": code, "message": "No to +15550100", "more_info": more, "status": status});
    Reply::json(status, body)
}

crate::suite::cases::vendor_suite!(Twilio);
