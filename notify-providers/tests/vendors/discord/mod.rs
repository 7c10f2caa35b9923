//! Discord.

mod requests;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::ChatMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::chat::discord::{self, DiscordProvider};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The token of the webhook that has a name.
const SECRET: &str = "hunter2-hunter2_hunter2";

pub struct Discord;

fn message(text: &str) -> Message {
    Message::new(ChatMessage::new(text)).on(discord::CHANNEL)
}

impl Vendor for Discord {
    const SECRETS: &'static [&'static str] = &[SECRET];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = DiscordProvider::builder().webhook("alerts", format!("1234/{SECRET}"));
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        message("hello")
    }

    fn address(number: usize) -> Address {
        Address::new(discord::SCHEME, format!("{number}/token-{number:04}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (request.method.as_str(), request.query.as_str()),
            ("POST", "wait=true")
        );
        assert_eq!(request.header("authorization"), None);
        let body = request.json();
        assert_eq!(body["allowed_mentions"], json!({"parse": []}));
        let says = body["content"]
            .as_str()
            .is_some_and(|text| (1..=2_000).contains(&text.len()));
        assert!(says || body["embeds"].is_array(), "{body}");
        let path = request.path.strip_prefix("/api/v10/webhooks/");
        vec![path.expect("a webhook").to_owned()]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        Reply::json(
            200,
            json!({"id": ids[0], "type": 0, "channel_id": "77", "content": "hello"}),
        )
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(404, 10015, "Unknown Webhook")
    }

    fn reject_request(_: &Request) -> Reply {
        refused(400, 50035, "Invalid Form Body")
    }

    fn rate_limit(wait: Duration) -> Reply {
        limited(wait.as_secs_f64())
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            (404, 10003, "recipient", "10003"),
            (404, 10015, "recipient", "10015"),
            (429, 20016, "provider", "20016"),
            (429, 20028, "provider", "20028"),
            (429, 20029, "provider", "20029"),
            (401, 50027, "recipient", "50027"),
            // By the status.
            (400, 50006, "request", "50006"),
            (400, 50035, "request", "50035"),
            (400, 220_001, "request", "220001"),
            (401, 0, "config", "http_401"),
            (403, 50001, "request", "50001"),
            (403, 50013, "request", "50013"),
            (403, 0, "config", "http_403"),
            (404, 0, "request", "http_404"),
            (500, 0, "provider", "http_500"),
        ]
        .map(|(status, code, kind, name)| Case::new(refused(status, code, "No"), kind, name))
        .into();
        table.push(Case::new(
            Reply::json(400, json!({"content": ["too long"]})),
            "request",
            "http_400",
        ));
        table.push(Case::new(limited(64.0), "provider", "http_429").waiting(64));
        let reset = Reply::status(429).header("x-ratelimit-reset-after", "9.000");
        table.push(Case::new(reset, "provider", "http_429").waiting(9));
        let both = limited(5.0).header("retry-after", "6");
        table.push(Case::new(both, "provider", "http_429").waiting(5));
        for status in [403, 429] {
            let page = Reply::text(status, "<html>error 1015 | Cloudflare</html>");
            let code = if status == 403 {
                "http_403"
            } else {
                "http_429"
            };
            table.push(Case::new(page, "provider", code).waiting(600));
        }
        table
    }
}

/// Discord's words for a no.
fn refused(status: u16, code: u32, words: &str) -> Reply {
    Reply::json(status, json!({"message": words, "code": code}))
}

fn limited(seconds: f64) -> Reply {
    let words = "You are being rate limited.";
    Reply::json(
        429,
        json!({"message": words, "retry_after": seconds, "global": false}),
    )
    .header("x-ratelimit-limit", "5")
    .header("x-ratelimit-remaining", "0")
    .header("x-ratelimit-scope", "shared")
}

crate::suite::cases::vendor_suite!(Discord);
