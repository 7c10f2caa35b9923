//! Resend.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::email::resend::{ResendBuilder, ResendProvider};
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "re_123456789_key_of_resend";

fn builder(fake: &FakeVendor) -> ResendBuilder {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    ResendProvider::builder(KEY, from).http(fake.options())
}

/// With keys.
pub struct Resend;

/// With batches.
pub struct ResendBatches;

impl Vendor for Resend {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).build()?))
    }

    fn message() -> Message {
        Message::new(EmailMessage::new("Greetings", "hello"))
    }

    fn address(number: usize) -> Address {
        Address::email(format!("reader-{number:06}@example.org"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(request.method, "POST");
        let bearer = format!("Bearer {KEY}");
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        assert!(request.header("user-agent").is_some());
        let key = request.header("idempotency-key").expect("a key");
        assert!((1..=256).contains(&key.len()));
        let mails = match request.path.as_str() {
            "/emails" => vec![request.json()],
            "/emails/batch" => request.json().as_array().expect("a list").clone(),
            other => panic!("there is no {other}"),
        };
        assert!((1..=100).contains(&mails.len()));
        let is_batch = request.path.ends_with("batch");
        let address = |mail: &Value| {
            assert_eq!(mail["from"], "Example <news@example.com>");
            assert!(mail["text"].is_string() || mail["html"].is_string());
            assert!(!is_batch || (mail["attachments"].is_null() && mail["scheduled_at"].is_null()));
            let plain = |text: &Value| {
                let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
                text.as_str()
                    .is_some_and(|text| text.len() <= 256 && text.bytes().all(plain))
            };
            let tags = mail["tags"].as_array().expect("a list");
            assert!(
                tags.iter()
                    .all(|tag| plain(&tag["name"]) && plain(&tag["value"]))
            );
            let to = mail["to"].as_array().expect("a list");
            assert_eq!(
                to.len(),
                1,
                "events do not say for whom of several they are"
            );
            to[0].as_str().expect("an address").to_owned()
        };
        mails.iter().map(address).collect()
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, ids)
    }

    fn reject_recipient(_: &Request) -> Reply {
        dead_address()
    }

    fn reject_request(_: &Request) -> Reply {
        said(422, "missing_required_field", "Missing `subject` field.")
    }

    fn key(request: &Request) -> Option<String> {
        request.header("idempotency-key").map(str::to_owned)
    }

    fn bad_credentials() -> Reply {
        said(403, "invalid_api_key", "API key is invalid")
    }

    fn table() -> Vec<Case> {
        let case = |status, name, whose| Case::new(said(status, name, "Words."), whose, name);
        vec![
            Case::new(dead_address(), "recipient", "invalid_to"),
            Case::new(
                said(422, "validation_error", "Invalid `from` field."),
                "request",
                "validation_error",
            ),
            case(400, "invalid_idempotency_key", "request"),
            case(400, "validation_error", "request"),
            case(401, "missing_api_key", "config"),
            case(401, "restricted_api_key", "config"),
            case(403, "invalid_api_key", "config"),
            case(403, "validation_error", "config"),
            case(404, "not_found", "config"),
            case(405, "method_not_allowed", "config"),
            case(409, "invalid_idempotent_request", "request"),
            case(409, "concurrent_idempotent_requests", "provider"),
            case(422, "invalid_attachment", "request"),
            case(422, "invalid_from_address", "config"),
            case(422, "missing_required_field", "request"),
            case(451, "security_error", "request"),
            Case::new(
                said(429, "rate_limit_exceeded", "Too many requests.")
                    .header("ratelimit-reset", "7"),
                "provider",
                "rate_limit_exceeded",
            )
            .waiting(7),
            case(429, "daily_quota_exceeded", "provider").waiting(3_600),
            case(429, "monthly_quota_exceeded", "config"),
            case(500, "application_error", "provider"),
            case(500, "internal_server_error", "provider"),
            Case::json(200, json!({}), "unknown", "answer"),
        ]
    }
}

impl Vendor for ResendBatches {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).batches(true).build()?))
    }

    fn message() -> Message {
        Resend::message()
    }

    fn address(number: usize) -> Address {
        Resend::address(number)
    }

    fn addresses(request: &Request) -> Vec<String> {
        Resend::addresses(request)
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, ids)
    }

    fn reject_recipient(_: &Request) -> Reply {
        dead_address()
    }

    fn reject_request(request: &Request) -> Reply {
        Resend::reject_request(request)
    }

    fn table() -> Vec<Case> {
        Resend::table()
    }
}

fn taken(request: &Request, ids: &[String]) -> Reply {
    if request.path == "/emails/batch" {
        let data: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        return Reply::json(200, json!({"data": data}));
    }
    Reply::json(200, json!({"id": ids[0]}))
}

fn dead_address() -> Reply {
    let words = "Invalid `to` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.";
    said(422, "validation_error", words)
}

fn said(status: u16, name: &str, message: &str) -> Reply {
    Reply::json(
        status,
        json!({"statusCode": status, "name": name, "message": message}),
    )
}

mod single {
    use super::Resend;
    crate::suite::cases::vendor_suite!(Resend);
}

mod several {
    use super::ResendBatches;
    crate::suite::cases::vendor_suite!(ResendBatches);
}
