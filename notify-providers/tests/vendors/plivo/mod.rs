//! Plivo.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::plivo::PlivoProvider;
use serde_json::json;
use std::sync::Arc;

const ACCOUNT: &str = "MA0123456789";
const TOKEN: &str = "test-token-of-plivo";

pub struct Plivo;

impl Vendor for Plivo {
    const SECRETS: &'static [&'static str] = &[TOKEN];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = PlivoProvider::builder(ACCOUNT, TOKEN).from("+15550199");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Your code is 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+1555{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let path = format!("/v1/Account/{ACCOUNT}/Message/");
        assert_eq!((request.method.as_str(), &request.path), ("POST", &path));
        let login = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
        assert_eq!(request.header("authorization"), Some(login.as_str()));
        let body = request.json();
        assert!(body["src"].is_string() != body["powerpack_uuid"].is_string());
        assert_eq!(body["type"], "sms");
        assert!(body["text"].as_str().is_some_and(|text| !text.is_empty()));
        let numbers = body["dst"].as_str().expect("numbers");
        numbers.split('<').map(str::to_owned).collect()
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        taken(ids, &[])
    }

    fn reject_recipient(request: &Request) -> Reply {
        taken(&[], &Self::addresses(request))
    }

    fn reject_request(_: &Request) -> Reply {
        refused(400)
    }

    fn table() -> Vec<Case> {
        let invalid = Reply::json(
            400,
            json!({"error": "no", "invalid_number": ["+15550000000"]}),
        );
        vec![
            Case::new(invalid, "recipient", "invalid_number"),
            Case::new(refused(400), "request", "http_400"),
            Case::new(refused(401), "config", "http_401"),
            Case::new(refused(403), "config", "http_403"),
            Case::new(refused(404), "config", "http_404"),
            Case::new(refused(405), "config", "http_405"),
            Case::new(refused(409), "request", "http_409"),
            Case::new(refused(422), "request", "http_422"),
            Case::new(refused(429), "provider", "http_429"),
            Case::new(refused(500), "provider", "http_500"),
            Case::json(400, json!("a bare text"), "request", "http_400"),
            Case::json(202, json!({"message_uuid": []}), "unknown", "answer"),
            Case::json(202, json!({"message_uuid": [""]}), "unknown", "answer"),
        ]
    }
}

/// The vendor's words for a no, which have no code.
fn refused(status: u16) -> Reply {
    Reply::json(
        status,
        json!({"api_id": "a-1", "error": "no to +15550000000"}),
    )
}

/// The vendor's words for a yes.
fn taken(ids: &[String], invalid: &[String]) -> Reply {
    let mut body = json!({"api_id": "a-1", "message": "message(s) queued", "message_uuid": ids});
    if !invalid.is_empty() {
        body["invalid_number"] = invalid
            .iter()
            .map(|number| number.trim_start_matches('+'))
            .collect();
    }
    Reply::json(202, body)
}

crate::suite::cases::vendor_suite!(Plivo);
