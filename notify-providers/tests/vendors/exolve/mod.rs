//! MTS Exolve.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::exolve::ExolveProvider;
use serde_json::json;
use std::sync::Arc;

const KEY: &str = "test-key-of-exolve";

pub struct Exolve;

impl Vendor for Exolve {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = ExolveProvider::builder(KEY, "79990000000");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Ваш код: 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+7916{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/messaging/v1/SendSMS")
        );
        let login = format!("Bearer {KEY}");
        assert_eq!(request.header("authorization"), Some(login.as_str()));
        let body = request.json();
        assert!(
            body["number"]
                .as_str()
                .is_some_and(|from| !from.is_empty() && !from.contains('+'))
        );
        assert!(body["text"].as_str().is_some_and(|text| !text.is_empty()));
        let to = body["destination"].as_str().expect("a number");
        assert!(to.bytes().all(|b| b.is_ascii_digit()), "{to}");
        vec![format!("+{to}")]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        Reply::json(200, json!({"message_id": ids[0]}))
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(
            400,
            "invalid SendRequest.Destination: value does not match regex pattern \"^[0-9]{1,15}$\"",
        )
    }

    fn reject_request(_: &Request) -> Reply {
        refused(
            400,
            "invalid SendRequest.Text: value length must be at most 2000 runes",
        )
    }

    fn table() -> Vec<Case> {
        vec![
            Case::new(
                refused(400, "invalid SendRequest.Destination: no"),
                "recipient",
                "3",
            ),
            Case::new(
                refused(400, "invalid SendRequest.Number: no"),
                "config",
                "3",
            ),
            Case::new(refused(400, "Number does not exist"), "request", "3"),
            Case::new(refused(401, "no"), "config", "3"),
            Case::new(refused(403, "no"), "config", "3"),
            Case::new(refused(404, "no"), "config", "3"),
            Case::new(refused(429, "no"), "provider", "3"),
            Case::new(refused(500, "no"), "provider", "3"),
            Case::new(refused(200, "no"), "request", "3"),
            Case::json(
                400,
                json!({"error": "no to 79160000000"}),
                "request",
                "http_400",
            ),
            Case::json(
                200,
                json!({"error": "no to 79160000000"}),
                "request",
                "error",
            ),
            Case::json(200, json!({"message_id": ""}), "unknown", "answer"),
        ]
    }
}

/// The vendor's words for a no.
fn refused(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        json!({"error": {"code": 3, "message": message, "details": []}}),
    )
}

crate::suite::cases::vendor_suite!(Exolve);
