//! Mandrill.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::email::mandrill::MandrillProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "md-key-of-mandrill";

pub struct Mandrill;

impl Vendor for Mandrill {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let from = "Example <news@example.com>".parse()?;
        let builder = MandrillProvider::builder(KEY, from).http(fake.options());
        Ok(Arc::new(builder.build()?))
    }

    fn message() -> Message {
        Message::new(EmailMessage::new("Greetings", "hello"))
    }

    fn address(number: usize) -> Address {
        Address::email(format!("reader-{number:06}@example.org"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/api/1.0/messages/send.json")
        );
        let body = request.json();
        assert_eq!(body["key"], KEY);
        let message = &body["message"];
        assert_eq!(message["from_email"], "news@example.com");
        assert!(message["text"].is_string() || message["html"].is_string());
        assert_eq!(message["preserve_recipients"], false);
        let tags = message["tags"].as_array().expect("a list");
        assert!(
            tags.iter()
                .all(|tag| tag.as_str().is_some_and(|tag| !tag.starts_with('_')))
        );
        let to = message["to"].as_array().expect("a list").iter();
        let address = |one: &Value| {
            assert_eq!(one["type"], "to");
            one["email"].as_str().expect("an address").to_owned()
        };
        to.map(address).collect()
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        let to = Self::addresses(request).remove(0);
        Reply::json(
            200,
            json!([{"email": to, "status": "sent", "reject_reason": null, "_id": ids[0]}]),
        )
    }

    fn reject_recipient(_: &Request) -> Reply {
        rejected("hard-bounce")
    }

    fn reject_request(_: &Request) -> Reply {
        error("ValidationError", -2)
    }

    fn bad_credentials() -> Reply {
        error("Invalid_Key", -1)
    }

    fn table() -> Vec<Case> {
        let named = |name, whose| Case::new(error(name, -1), whose, name);
        let reason = |reason, whose| Case::new(rejected(reason), whose, reason);
        let status = |status: &str| {
            Reply::json(
                200,
                json!([{"email": "a@example.org", "status": status, "_id": "x"}]),
            )
        };
        vec![
            named("Invalid_Key", "config"),
            named("PaymentRequired", "config"),
            named("Unknown_Subaccount", "config"),
            named("Unknown_Template", "request"),
            named("ValidationError", "request"),
            named("GeneralError", "provider"),
            named("ServiceUnavailable", "provider"),
            named("Moon_Phase", "provider"),
            reason("custom", "recipient"),
            reason("hard-bounce", "recipient"),
            reason("invalid", "recipient"),
            reason("spam", "recipient"),
            reason("unsub", "recipient"),
            reason("soft-bounce", "provider"),
            reason("invalid-sender", "config"),
            reason("test-mode-limit", "config"),
            reason("unsigned", "config"),
            reason("rule", "request"),
            reason("moon-phase", "request"),
            Case::new(status("invalid"), "recipient", "invalid"),
            Case::new(status("rejected"), "request", "rejected"),
            Case::new(status("lost"), "unknown", "answer"),
            Case::json(200, json!([]), "unknown", "short_answer"),
            Case::new(Reply::status(404), "config", "http_404"),
            Case::new(Reply::status(405), "config", "http_405"),
        ]
    }
}

/// Errors have the status 500, whatever they are.
fn error(name: &str, code: i64) -> Reply {
    let body = json!({"status": "error", "code": code, "name": name, "message": "Words."});
    Reply::json(500, body)
}

/// A yes that is a no.
fn rejected(reason: &str) -> Reply {
    let outcome = json!({"email": "reader-000000@example.org", "status": "rejected", "reject_reason": reason, "_id": "x-1"});
    Reply::json(200, json!([outcome]))
}

crate::suite::cases::vendor_suite!(Mandrill);
