//! Microsoft Teams.

mod requests;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::ChatMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::chat::teams::{self, TeamsProvider};
use notify_providers::http::Guard;
use serde_json::{Value, json};
use std::sync::Arc;

/// The parameter of a workflow's URL that lets callers in.
const SECRET: &str = "hunter2-hunter2";

pub struct Teams;

/// The card of a request, in the message that a workflow takes.
fn card(request: &Request) -> Value {
    let mut body = request.json();
    let card = body["attachments"][0]["content"].take();
    let envelope = json!({
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": null}],
    });
    assert_eq!(body, envelope);
    assert_eq!(card["type"], "AdaptiveCard");
    card
}

fn workflow(fake: &FakeVendor, number: usize) -> String {
    let path = format!("workflows/{number:04}/triggers/manual/paths/invoke");
    format!(
        "{}/{path}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=secret-{number:04}",
        fake.url()
    )
}

impl Vendor for Teams {
    const SECRETS: &'static [&'static str] = &[SECRET];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = TeamsProvider::builder()
            .workflow("alerts", format!("{}/workflows/1?sig={SECRET}", fake.url()))
            .guard(Guard::new().allow_loopback());
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(ChatMessage::new("hello")).on(teams::CHANNEL)
    }

    fn address(number: usize) -> Address {
        Address::new(teams::SCHEME, format!("room-{number}"))
    }

    fn address_at(fake: &FakeVendor, number: usize) -> Address {
        Address::new(teams::SCHEME, workflow(fake, number))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(request.method, "POST");
        assert_eq!(request.header("authorization"), None);
        assert!(card(request)["body"].is_array());
        let host = request.header("host").expect("a host");
        vec![format!("https://{host}{}?{}", request.path, request.query)]
    }

    fn accept(_: &Request, _: &[String]) -> Reply {
        Reply::status(202)
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(404, "WorkflowNotFound")
    }

    fn reject_request(_: &Request) -> Reply {
        refused(400, "TriggerInputSchemaMismatch")
    }

    fn nonsense() -> Option<Reply> {
        None
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            (401, "DirectApiAuthorizationRequired", "recipient"),
            (401, "DirectApiInvalidAuthorizationScheme", "recipient"),
            (403, "AuthorizationFailed", "recipient"),
            (404, "TriggerNotFound", "recipient"),
            (404, "WorkflowNotFound", "recipient"),
            (404, "WorkflowTriggerNotFound", "recipient"),
            (400, "WorkflowTriggerIsNotEnabled", "recipient"),
            (400, "TriggerInputSchemaMismatch", "request"),
            (404, "SomethingElse", "request"),
            (403, "SomethingElse", "config"),
            (500, "InternalServerError", "provider"),
        ]
        .map(|(status, code, kind)| Case::new(refused(status, code), kind, code))
        .into();
        table.push(Case::new(Reply::status(410), "recipient", "http_410"));
        let words = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error";
        let busy = Reply::text(200, format!("{words} 429 with ContextId x"));
        table.push(Case::new(busy, "provider", "delivery_failed").waiting(60));
        let failed = Reply::text(200, format!("{words} 500 with ContextId x"));
        table.push(Case::new(failed, "provider", "delivery_failed"));
        table
    }
}

/// A workflow's words for a no.
fn refused(status: u16, code: &str) -> Reply {
    Reply::json(
        status,
        json!({"error": {"code": code, "message": "No to the workflow '1a2b'."}}),
    )
}

crate::suite::cases::vendor_suite!(Teams);
