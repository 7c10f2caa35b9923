//! Slack's incoming webhooks.

use super::{body, message};
use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::provider::{Envelope, Fault, Provider};
use notify_core::{Address, Message, Result};
use notify_providers::chat::slack::{self, SlackProvider};
use serde_json::json;
use std::sync::Arc;

const SECRET: &str = "hunter2hunter2";

struct Rooms;

impl Vendor for Rooms {
    const SECRETS: &'static [&'static str] = &[SECRET];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = SlackProvider::webhooks().webhook("alerts", format!("T1/B1/{SECRET}"));
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        message("hello")
    }

    fn address(number: usize) -> Address {
        Address::new(slack::SCHEME, format!("T1/B{number:06}/x"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("authorization"), None);
        assert!(body(request)["text"].is_string());
        let path = request.path.strip_prefix("/services/");
        vec![path.expect("the path of a webhook").to_owned()]
    }

    fn accept(_: &Request, _: &[String]) -> Reply {
        Reply::text(200, "ok")
    }

    fn reject_recipient(_: &Request) -> Reply {
        Reply::text(404, "no_service")
    }

    fn reject_request(_: &Request) -> Reply {
        Reply::text(400, "invalid_payload")
    }

    fn table() -> Vec<Case> {
        let said =
            |status, words: &'static str, kind| Case::new(Reply::text(status, words), kind, words);
        vec![
            said(400, "invalid_payload", "request"),
            said(400, "no_text", "request"),
            said(400, "user_not_found", "recipient"),
            said(403, "action_prohibited", "request"),
            said(403, "posting_to_general_channel_denied", "request"),
            said(403, "invalid_token", "recipient"),
            said(404, "channel_not_found", "recipient"),
            said(404, "no_active_hooks", "recipient"),
            said(404, "no_service", "recipient"),
            said(404, "no_team", "recipient"),
            said(404, "team_disabled", "recipient"),
            said(410, "channel_is_archived", "recipient"),
            said(500, "rollup_error", "provider"),
            Case::new(Reply::text(404, "No service"), "recipient", "http_404"),
            Case::new(Reply::text(404, "Not here"), "request", "http_404"),
        ]
    }
}

crate::suite::cases::vendor_suite!(Rooms);

fn to(address: &str) -> Envelope {
    Envelope::new("key", Address::new(slack::SCHEME, address), message("hi"))
}

#[tokio::test]
async fn a_name_a_path_and_a_url_lead_to_the_webhook_and_nothing_else_does() {
    let fake = FakeVendor::start(|_| Reply::text(200, "ok"));
    let provider = Rooms::provider(&fake).expect("builds");
    for (address, path) in [
        ("alerts", format!("/services/T1/B1/{SECRET}")),
        ("T2/B2/x", "/services/T2/B2/x".to_owned()),
        (
            "https://hooks.slack.com/services/T3/B3/x",
            "/services/T3/B3/x".to_owned(),
        ),
    ] {
        let receipt = provider.send(&to(address)).await.expect("is taken");
        assert_eq!(receipt.message_id, None, "a webhook tells no id");
        assert_eq!(fake.last().path, path);
    }
    let asked = fake.requests().len();
    for address in [
        "other",
        "C0123",
        "https://evil.example/services/T3/B3/x",
        "T2/../x",
    ] {
        let fault = provider.send(&to(address)).await;
        assert_eq!(fault, Err(Fault::recipient("bad_address")), "{address}");
    }
    assert_eq!(fake.requests().len(), asked);
}

#[tokio::test]
async fn a_webhook_is_told_nothing_about_channels() {
    let fake = FakeVendor::start(|_| Reply::text(200, "ok"));
    let provider = Rooms::provider(&fake).expect("builds");
    provider.send(&to("alerts")).await.expect("is taken");
    let expected =
        json!({"text": "hi", "mrkdwn": false, "unfurl_links": false, "unfurl_media": false});
    assert_eq!(body(&fake.only()), expected);
}
