//! Huawei's Push Kit.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::PushMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::push::huawei::{HuaweiBuilder, HuaweiProvider};
use serde_json::{Value, json};
use std::sync::Arc;

const APP: &str = "100000001";
const SECRET: &str = "test-secret-of-huawei";
const ACCESS: &str = "CV1test-access-token";

pub struct Huawei;

fn builder(fake: &FakeVendor) -> HuaweiBuilder {
    HuaweiProvider::builder(APP, SECRET)
        .token_url(format!("{}/oauth2/v3/token", fake.url()))
        .http(fake.options())
}

/// The answer to a request for a token; `None` if it is none.
fn token_endpoint(request: &Request) -> Option<Reply> {
    if request.path != "/oauth2/v3/token" {
        return None;
    }
    assert_eq!(request.method, "POST");
    let mut form = request.form();
    form.sort();
    let expected = [
        ("client_id", APP),
        ("client_secret", SECRET),
        ("grant_type", "client_credentials"),
    ];
    assert_eq!(
        form,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    Some(granted(ACCESS))
}

fn granted(token: &str) -> Reply {
    Reply::json(
        200,
        json!({"access_token": token, "expires_in": 3_600, "token_type": "Bearer"}),
    )
}

/// The message of a request, which has everything that Huawei requires.
fn message(request: &Request) -> Value {
    assert_eq!(request.method, "POST");
    assert_eq!(request.path, format!("/v1/{APP}/messages:send"));
    let body = request.json();
    assert!(body["validate_only"].is_boolean());
    let message = body["message"].clone();
    let data = message["data"].as_str().expect("a text");
    let data: Value = serde_json::from_str(data).expect("of JSON");
    assert!(data["notification_id"].is_string());
    let android = &message["android"];
    assert!(["HIGH", "NORMAL"].contains(&android["urgency"].as_str().expect("an urgency")));
    if message.get("notification").is_some() {
        let click = &android["notification"]["click_action"];
        assert!((1..=3).contains(&click["type"].as_u64().expect("there must be one")));
    }
    message
}

fn said(status: u16, code: &str, msg: &str) -> Reply {
    Reply::json(
        status,
        json!({"code": code, "msg": msg, "requestId": "157440955549500001002006"}),
    )
}

/// Some tokens were none.
fn illegal(tokens: &[String], others: usize) -> Reply {
    let msg = json!({"success": others, "failure": tokens.len(), "illegal_tokens": tokens});
    said(200, "80100000", &msg.to_string())
}

impl Vendor for Huawei {
    const SECRETS: &'static [&'static str] = &[SECRET, ACCESS];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).build()?))
    }

    fn message() -> Message {
        Message::new(PushMessage::new("Order", "On its way"))
    }

    fn address(number: usize) -> Address {
        Address::device(format!("IQAAAACy0fake-token_{number:06}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let bearer = format!("Bearer {ACCESS}");
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        let message = message(request);
        let tokens = message["token"].as_array().expect("a list");
        assert!((1..=1_000).contains(&tokens.len()));
        let text = |token: &Value| token.as_str().expect("a token").to_owned();
        tokens.iter().map(text).collect()
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        Reply::json(
            200,
            json!({"code": "80000000", "msg": "Success", "requestId": ids[0]}),
        )
    }

    fn reject_recipient(_: &Request) -> Reply {
        said(200, "80300007", "All the tokens are invalid")
    }

    fn reject_request(_: &Request) -> Reply {
        said(400, "80100003", "Illegal payload")
    }

    fn bad_credentials() -> Reply {
        said(401, "80200001", "Oauth authentication error.")
    }

    fn aside(request: &Request) -> Option<Reply> {
        token_endpoint(request)
    }

    fn table() -> Vec<Case> {
        let rows = [
            (200, "80300007", "recipient"),
            (400, "80300007", "recipient"),
            (401, "80200001", "config"),
            (200, "80200003", "config"),
            (403, "80300002", "config"),
            (400, "80100001", "request"),
            (400, "80100003", "request"),
            (400, "80100016", "request"),
            (413, "80300008", "request"),
            (400, "80300010", "request"),
            (500, "81000001", "provider"),
            (200, "81000001", "provider"),
            // Not in the table.
            (200, "80199999", "request"),
            (503, "80199999", "provider"),
        ];
        let mut table: Vec<Case> = rows
            .map(|(status, code, kind)| {
                Case::new(said(status, code, "No to IQAAAACy0fake"), kind, code)
            })
            .into();
        let only = Self::address(0).expose().to_owned();
        table.extend([
            Case::new(illegal(&[only], 0), "recipient", "80100000"),
            // It says that some were taken, and not which.
            Case::new(said(200, "80100000", "?"), "unknown", "answer"),
            Case::new(Reply::status(503), "provider", "http_503"),
            Case::new(Reply::status(404), "config", "http_404"),
            Case::new(said(200, "15550100", "?"), "unknown", "http_200"),
        ]);
        table
    }
}

crate::suite::cases::vendor_suite!(Huawei);
