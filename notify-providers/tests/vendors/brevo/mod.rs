//! Brevo.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::email::brevo::{BrevoBuilder, BrevoProvider};
use serde_json::{Value, json};
use std::sync::Arc;

const KEY: &str = "xkeysib-key-of-brevo";

fn builder(fake: &FakeVendor) -> BrevoBuilder {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    BrevoProvider::builder(KEY, from).http(fake.options())
}

/// With keys.
pub struct Brevo;

/// With batches.
pub struct BrevoBatches;

impl Vendor for Brevo {
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
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/v3/smtp/email")
        );
        assert_eq!(request.header("api-key"), Some(KEY));
        let body = request.json();
        assert_eq!(
            body["sender"],
            json!({"email": "news@example.com", "name": "Example"})
        );
        assert!(body["subject"].is_string());
        assert!(body["textContent"].is_string() || body["htmlContent"].is_string());
        let all = body.as_object().expect("an object").values();
        let empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        assert!(!all.into_iter().any(empty), "empty lists are refused");
        let key = body["headers"]["idempotencyKey"].as_str().expect("a key");
        assert_eq!((key.len(), key.matches('-').count()), (36, 4), "a UUID");
        let address = |mail: &Value| {
            let to = mail["to"].as_array().expect("a list");
            assert_eq!(to.len(), 1, "one reader does not see the others");
            let headers = mail["headers"].as_object().expect("an object").values();
            assert!(
                headers
                    .into_iter()
                    .all(|value| value.as_str().is_some_and(str::is_ascii))
            );
            to[0]["email"].as_str().expect("an address").to_owned()
        };
        match body["messageVersions"].as_array() {
            Some(versions) => {
                assert!((1..=1_000).contains(&versions.len()));
                versions.iter().map(address).collect()
            }
            None => vec![address(&body)],
        }
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, ids)
    }

    fn reject_recipient(_: &Request) -> Reply {
        dead_address()
    }

    fn reject_request(_: &Request) -> Reply {
        said(400, "missing_parameter", "subject is missing")
    }

    fn key(request: &Request) -> Option<String> {
        request.json()["headers"]["idempotencyKey"]
            .as_str()
            .map(str::to_owned)
    }

    fn bad_credentials() -> Reply {
        said(401, "unauthorized", "Key not found")
    }

    fn table() -> Vec<Case> {
        let case = |status, code, whose| Case::new(said(status, code, "Words."), whose, code);
        vec![
            Case::new(dead_address(), "recipient", "invalid_to"),
            Case::new(
                said(400, "invalid_parameter", "valid sender email required"),
                "config",
                "sender_not_valid",
            ),
            case(400, "invalid_parameter", "request"),
            case(400, "missing_parameter", "request"),
            case(400, "out_of_range", "request"),
            case(400, "duplicate_parameter", "request"),
            case(400, "duplicate_request", "unknown"),
            case(402, "not_enough_credits", "config"),
            case(400, "not_enough_credits", "config"),
            case(401, "unauthorized", "config"),
            case(400, "unauthorized", "config"),
            case(403, "permission_denied", "config"),
            case(400, "permission_denied", "config"),
            case(400, "account_under_validation", "config"),
            case(404, "document_not_found", "config"),
            case(405, "method_not_allowed", "config"),
            Case::new(
                said(429, "too_many_requests", "slow").header("x-sib-ratelimit-reset", "7"),
                "provider",
                "too_many_requests",
            )
            .waiting(7),
            Case::new(Reply::status(500), "provider", "http_500"),
            Case::json(201, json!({}), "unknown", "answer"),
        ]
    }
}

impl Vendor for BrevoBatches {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).batches(true).build()?))
    }

    fn message() -> Message {
        Brevo::message()
    }

    fn address(number: usize) -> Address {
        Brevo::address(number)
    }

    fn addresses(request: &Request) -> Vec<String> {
        Brevo::addresses(request)
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, ids)
    }

    fn reject_recipient(_: &Request) -> Reply {
        dead_address()
    }

    fn reject_request(request: &Request) -> Reply {
        Brevo::reject_request(request)
    }

    fn table() -> Vec<Case> {
        Brevo::table()
    }
}

fn taken(request: &Request, ids: &[String]) -> Reply {
    let written = |id: &String| format!("<{id}@smtp-relay.mailin.fr>");
    if request.json()["messageVersions"].is_array() {
        let ids: Vec<_> = ids.iter().map(written).collect();
        return Reply::json(201, json!({"messageIds": ids}));
    }
    Reply::json(201, json!({"messageId": written(&ids[0])}))
}

fn dead_address() -> Reply {
    said(400, "invalid_parameter", "email is not valid in to")
}

fn said(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, json!({"code": code, "message": message}))
}

mod single {
    use super::Brevo;
    crate::suite::cases::vendor_suite!(Brevo);
}

mod several {
    use super::BrevoBatches;
    crate::suite::cases::vendor_suite!(BrevoBatches);
}
