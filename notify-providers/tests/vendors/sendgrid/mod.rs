//! SendGrid.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::email::sendgrid::SendGridProvider;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "SG.test-key-of-sendgrid";

pub struct SendGrid;

impl Vendor for SendGrid {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let from = "Example <news@example.com>".parse()?;
        let builder = SendGridProvider::builder(KEY, from).http(fake.options());
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
            ("POST", "/v3/mail/send")
        );
        let bearer = format!("Bearer {KEY}");
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        let body = request.json();
        assert_eq!(body["from"]["email"], "news@example.com");
        let content = body["content"].as_array().expect("content");
        assert!(content.iter().all(|part| part["value"] != ""));
        let personal = body["personalizations"].as_array().expect("a list");
        assert!((1..=1_000).contains(&personal.len()));
        let address = |one: &Value| {
            let to = one["to"].as_array().expect("a list");
            assert_eq!(to.len(), 1, "one reader does not see the others");
            to[0]["email"].as_str().expect("an address").to_owned()
        };
        personal.iter().map(address).collect()
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        Reply::status(202).header("x-message-id", &ids[0])
    }

    fn reject_recipient(request: &Request) -> Reply {
        let places = 0..Self::addresses(request).len();
        refused(places.map(dead_address).collect())
    }

    fn reject_request(_: &Request) -> Reply {
        refused(vec![json!({
            "message": "The subject is required.",
            "field": "personalizations.0.subject",
            "help": null,
        })])
    }

    fn rate_limit(wait: Duration) -> Reply {
        too_many().header("retry-after", &wait.as_secs().to_string())
    }

    fn nonsense() -> Option<Reply> {
        None
    }

    fn table() -> Vec<Case> {
        let said = |status, message: &str, field: Value| {
            let error = json!({"message": message, "field": field, "help": null});
            Reply::json(status, json!({"errors": [error]}))
        };
        vec![
            Case::new(
                refused(vec![dead_address(0)]),
                "recipient",
                "invalid_address",
            ),
            Case::new(
                said(
                    400,
                    "The content value must be a string at least one character in length.",
                    json!("content.0.value"),
                ),
                "request",
                "content.0.value",
            ),
            Case::new(
                said(
                    400,
                    "Does not contain a valid address.",
                    json!("from.email"),
                ),
                "request",
                "from.email",
            ),
            Case::new(
                said(
                    401,
                    "The provided authorization grant is invalid, expired, or revoked",
                    Value::Null,
                ),
                "config",
                "http_401",
            ),
            Case::new(
                said(401, "Maximum credits exceeded", Value::Null),
                "config",
                "http_401",
            ),
            Case::new(
                said(
                    403,
                    "The from address does not match a verified Sender Identity.",
                    json!("from"),
                ),
                "config",
                "from",
            ),
            Case::new(Reply::status(413), "request", "http_413"),
            Case::new(too_many(), "provider", "http_429"),
            Case::new(
                said(500, "Internal error", Value::Null),
                "provider",
                "http_500",
            ),
        ]
    }
}

/// The vendor's words for an address that is none.
fn dead_address(place: usize) -> Value {
    json!({
        "message": "Does not contain a valid address.",
        "field": format!("personalizations.{place}.to.0.email"),
        "help": null,
    })
}

fn refused(errors: Vec<Value>) -> Reply {
    Reply::json(400, json!({"errors": errors}))
}

fn too_many() -> Reply {
    let error = json!({"field": null, "message": "too many requests"});
    Reply::json(429, json!({"errors": [error]})).header("x-ratelimit-limit", "600")
}

crate::suite::cases::vendor_suite!(SendGrid);

mod over_http2 {
    use super::SendGrid;
    use crate::suite::OverHttp2;

    crate::suite::cases::vendor_suite!(OverHttp2<SendGrid>);
}
