//! MegaFon.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::megafon::MegafonProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const LOGIN: &str = "alex";
const PASSWORD: &str = "test-password-of-megafon";

pub struct Megafon;

impl Vendor for Megafon {
    const SECRETS: &'static [&'static str] = &[PASSWORD];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = MegafonProvider::builder(LOGIN, PASSWORD, "Example");
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Ваш код: 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+7926{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/sms/v1/sms")
        );
        let login = format!("Basic {}", STANDARD.encode(format!("{LOGIN}:{PASSWORD}")));
        assert_eq!(request.header("authorization"), Some(login.as_str()));
        let body = request.json();
        assert!(body["from"].as_str().is_some_and(|from| !from.is_empty()));
        assert!(
            body["message"]
                .as_str()
                .is_some_and(|text| !text.is_empty())
        );
        vec![format!("+{}", body["to"].as_u64().expect("an integer"))]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        answer(json!(0), json!(ids[0]))
    }

    /// Its codes are not published.
    fn names_dead_addresses() -> bool {
        false
    }

    fn reject_recipient(_: &Request) -> Reply {
        answer(json!(11), json!(null))
    }

    fn reject_request(_: &Request) -> Reply {
        answer(json!(1), json!(null))
    }

    fn table() -> Vec<Case> {
        vec![
            Case::new(answer(json!(1), json!(null)), "request", "1"),
            Case::new(answer(json!("88"), json!("m-1")), "request", "88"),
            Case::new(Reply::status(401), "config", "http_401"),
            Case::new(Reply::status(403), "config", "http_403"),
            Case::new(Reply::status(404), "config", "http_404"),
            Case::new(Reply::status(500), "provider", "http_500"),
            Case::new(answer(json!(0), json!(null)), "unknown", "answer"),
            Case::json(
                200,
                json!({"result": {"msg_id": "m-1"}}),
                "unknown",
                "answer",
            ),
        ]
    }
}

fn answer(code: Value, id: Value) -> Reply {
    let status = json!({"code": code, "description": "about 79260000000"});
    Reply::json(200, json!({"result": {"msg_id": id, "status": status}}))
}

crate::suite::cases::vendor_suite!(Megafon);
