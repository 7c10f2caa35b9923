//! Slack.

mod events;
mod requests;
mod rooms;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::ChatMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::chat::slack::{self, SlackProvider};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const TOKEN: &str = "xoxb-test-token-of-slack";

/// The Web API.
pub struct Slack;

/// The body, which must say that it is JSON in UTF-8.
fn body(request: &Request) -> Value {
    let json = "application/json; charset=utf-8";
    assert_eq!(request.header("content-type"), Some(json));
    serde_json::from_slice(&request.body).expect("a body of JSON")
}

fn message(text: &str) -> Message {
    Message::new(ChatMessage::new(text)).on(slack::CHANNEL)
}

impl Vendor for Slack {
    const SECRETS: &'static [&'static str] = &[TOKEN];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = SlackProvider::builder(TOKEN).http(fake.options());
        Ok(Arc::new(builder.build()?))
    }

    fn message() -> Message {
        message("hello")
    }

    fn address(number: usize) -> Address {
        Address::new(slack::SCHEME, format!("C{number:09}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let asked = (request.method.as_str(), request.path.as_str());
        assert_eq!(asked, ("POST", "/api/chat.postMessage"));
        let bearer = format!("Bearer {TOKEN}");
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        let body = body(request);
        let says = body["text"].as_str().is_some_and(|text| !text.is_empty());
        assert!(says || body["blocks"].is_array(), "{body}");
        vec![body["channel"].as_str().expect("a channel").to_owned()]
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        let channel = body(request)["channel"].clone();
        let posted =
            json!({"ok": true, "channel": channel, "ts": ids[0], "message": {"text": "hello"}});
        Reply::json(200, posted)
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused("channel_not_found")
    }

    fn reject_request(_: &Request) -> Reply {
        refused("msg_too_long")
    }

    fn bad_credentials() -> Reply {
        refused("invalid_auth")
    }

    fn rate_limit(wait: Duration) -> Reply {
        let reply = Reply::json(429, json!({"ok": false, "error": "ratelimited"}));
        reply.header("retry-after", &wait.as_secs().to_string())
    }

    fn outage() -> Reply {
        refused("service_unavailable")
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            ("cannot_dm_bot", "recipient"),
            ("channel_not_found", "recipient"),
            ("is_archived", "recipient"),
            ("not_in_channel", "recipient"),
            ("restricted_action", "recipient"),
            ("restricted_action_read_only_channel", "recipient"),
            ("user_not_found", "recipient"),
            ("access_denied", "config"),
            ("accesslimited", "config"),
            ("account_inactive", "config"),
            ("ekm_access_denied", "config"),
            ("enterprise_is_restricted", "config"),
            ("invalid_auth", "config"),
            ("missing_scope", "config"),
            ("no_permission", "config"),
            ("not_allowed_token_type", "config"),
            ("not_authed", "config"),
            ("org_login_required", "config"),
            ("team_access_not_granted", "config"),
            ("token_expired", "config"),
            ("token_revoked", "config"),
            ("request_timeout", "provider"),
            ("service_unavailable", "provider"),
            ("team_added_to_org", "provider"),
            ("fatal_error", "unknown"),
            ("internal_error", "unknown"),
            // Not in the table: the message's, as its status is no help.
            ("invalid_blocks", "request"),
            ("msg_too_long", "request"),
            ("no_text", "request"),
            ("restricted_action_thread_locked", "request"),
        ]
        .map(|(code, kind)| Case::new(refused(code), kind, code))
        .into();
        for (code, wait) in [
            ("message_limit_exceeded", 60),
            ("rate_limited", 1),
            ("ratelimited", 1),
        ] {
            table.push(Case::new(refused(code), "provider", code).waiting(wait));
        }
        let late = refused("ratelimited").header("retry-after", "30");
        table.push(Case::new(late, "provider", "ratelimited").waiting(30));
        table.push(Case::new(
            Reply::json(200, json!({"ok": false})),
            "unknown",
            "http_200",
        ));
        table
    }
}

/// Slack's words for a no.
fn refused(error: &str) -> Reply {
    Reply::json(200, json!({"ok": false, "error": error}))
}

crate::suite::cases::vendor_suite!(Slack);
