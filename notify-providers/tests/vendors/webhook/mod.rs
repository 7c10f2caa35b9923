//! Webhooks to the URLs of others.

mod requests;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::ChatMessage;
use notify_core::clock::{Clock as _, SystemClock, Timestamp};
use notify_core::provider::{Fault, Provider};
use notify_core::testkit::Answer;
use notify_core::{Address, Message, Result};
use notify_providers::chat::webhook::{self, WebhookProvider};
use notify_providers::http::Guard;
use notify_providers::signature::StandardWebhooks;
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

pub struct Webhook;

fn keys(secret: &str) -> StandardWebhooks {
    StandardWebhooks::new(secret).expect("a secret")
}

/// What a receiver checks, by the library for receivers.
fn verified(request: &Request, keys: &StandardWebhooks, now: Timestamp) -> bool {
    keys.verify(|name| request.header(name), &request.body, now)
        .is_ok()
}

impl Vendor for Webhook {
    const SECRETS: &'static [&'static str] = &[SECRET, "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = WebhookProvider::builder(StandardWebhooks::new(SECRET)?)
            .guard(Guard::new().allow_loopback());
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(ChatMessage::new("hello")).on(webhook::CHANNEL)
    }

    fn address(number: usize) -> Address {
        Address::new(webhook::SCHEME, format!("room-{number}"))
    }

    fn address_at(fake: &FakeVendor, number: usize) -> Address {
        let url = format!("{}/hooks/{number:04}?token=x", fake.url());
        Address::new(webhook::SCHEME, url)
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(request.method, "POST");
        let now = SystemClock::new().now();
        assert!(verified(request, &keys(SECRET), now), "it is not signed");
        let body = request.json();
        assert_eq!(
            (&body["type"], &body["version"]),
            (&"notification".into(), &1.into())
        );
        let host = request.header("host").expect("a host");
        vec![format!("https://{host}{}?{}", request.path, request.query)]
    }

    fn accept(_: &Request, _: &[String]) -> Reply {
        Reply::status(204)
    }

    fn reject_recipient(_: &Request) -> Reply {
        Reply::status(410)
    }

    fn reject_request(_: &Request) -> Reply {
        Reply::status(413)
    }

    fn nonsense() -> Option<Reply> {
        None
    }

    /// What a receiver says about credentials is its own trouble.
    fn can_answer(answer: Answer) -> bool {
        answer != Answer::BadCredentials
    }

    fn kind_of_status(status: u16) -> &'static str {
        match status {
            410 => "recipient",
            413 => "request",
            _ => "provider",
        }
    }

    fn untrusted(code: &'static str) -> Fault {
        Fault::provider(code)
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            (302, "provider", "http_302"),
            (400, "provider", "http_400"),
            (401, "provider", "http_401"),
            (403, "provider", "http_403"),
            (404, "provider", "http_404"),
            (410, "recipient", "http_410"),
            (413, "request", "http_413"),
            (422, "provider", "http_422"),
            (500, "provider", "http_500"),
            (504, "provider", "http_504"),
        ]
        .map(|(status, kind, code)| Case::new(Reply::status(status), kind, code))
        .into();
        let later = Reply::status(503).header("retry-after", "120");
        table.push(Case::new(later, "provider", "http_503").waiting(120));
        table.push(
            Case::new(
                Self::rate_limit(Duration::from_secs(9)),
                "provider",
                "http_429",
            )
            .waiting(9),
        );
        table
    }
}

crate::suite::cases::vendor_suite!(Webhook);
