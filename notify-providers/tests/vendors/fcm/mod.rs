//! Firebase Cloud Messaging.

mod requests;
mod token;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use crate::support::jwt::RSA;
use notify_core::channel::PushMessage;
use notify_core::clock::{Clock as _, SystemClock};
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::push::fcm::FcmProvider;
use serde_json::{Value, json};
use std::sync::Arc;

const PROJECT: &str = "shop-1";
const KEY_ID: &str = "0a1b2c3d";
const EMAIL: &str = "push@shop-1.iam.gserviceaccount.com";
const ACCESS: &str = "ya29.test-access-token";

pub struct Fcm;

/// The key file whose tokens this fake gives out.
fn key_file(fake: &FakeVendor) -> String {
    json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": KEY_ID,
        "private_key": RSA.pem,
        "client_email": EMAIL,
        "token_uri": format!("{}/token", fake.url()),
    })
    .to_string()
}

/// The token that an assertion is worth: its time, if it is one that Google would take.
fn asserted(request: &Request) -> i64 {
    assert_eq!(request.method, "POST");
    assert_eq!(request.form().len(), 2);
    let grant = request.field("grant_type");
    assert_eq!(
        grant.as_deref(),
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer")
    );
    let assertion = request.field("assertion").expect("an assertion");
    let (header, claims) = RSA.read(&assertion);
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}));
    let at = claims["iat"].as_i64().expect("a time");
    let audience = claims["aud"].as_str().expect("an audience").to_owned();
    assert!(
        audience.contains("://127.0.0.1:") && audience.ends_with("/token"),
        "{audience}"
    );
    let expected = json!({
        "iss": EMAIL,
        "scope": "https://www.googleapis.com/auth/firebase.messaging",
        "aud": audience,
        "iat": at,
        "exp": at + 3_600,
    });
    assert_eq!(claims, expected);
    at
}

fn granted(token: &str) -> Reply {
    Reply::json(
        200,
        json!({"access_token": token, "expires_in": 3_599, "token_type": "Bearer"}),
    )
}

/// The answer to a request for a token; `None` if it is none.
fn token_endpoint(request: &Request) -> Option<Reply> {
    if request.path != "/token" {
        return None;
    }
    let off = asserted(request) - SystemClock::new().now().as_micros() / 1_000_000;
    Some(if off.abs() < 300 {
        granted(ACCESS)
    } else {
        let why = "Invalid JWT: Token must be a short-lived token";
        Reply::json(
            400,
            json!({"error": "invalid_grant", "error_description": why}),
        )
    })
}

/// What is the same in every request for a message; the message.
fn message(request: &Request) -> Value {
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.path,
        format!("/v1/projects/{PROJECT}/messages:send")
    );
    assert!(request.http2, "all calls share connections");
    assert_eq!(request.header("x-goog-api-format-version"), Some("2"));
    let body = request.json();
    let message = body["message"].clone();
    let fields = [
        "android",
        "apns",
        "condition",
        "data",
        "fcm_options",
        "notification",
        "token",
        "topic",
        "webpush",
    ];
    let object = message.as_object().expect("an object");
    assert!(object.keys().all(|name| fields.contains(&name.as_str())));
    let targets = ["token", "topic", "condition"];
    let targets = targets.iter().filter(|name| object.contains_key(**name));
    assert_eq!(targets.count(), 1, "exactly one target");
    let data = message["data"].as_object().expect("an object");
    assert!(data.values().all(Value::is_string), "texts only");
    message
}

impl Vendor for Fcm {
    const HTTP2: bool = true;
    const SECRETS: &'static [&'static str] = &[ACCESS, "PRIVATE KEY", "gserviceaccount"];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = FcmProvider::builder(key_file(fake));
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(PushMessage::new("Order shipped", "#1042 is on its way"))
    }

    fn address(number: usize) -> Address {
        Address::device(format!("cXfake-instance_{number:06}:APA91bFake-token"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let bearer = format!("Bearer {ACCESS}");
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
        let message = message(request);
        vec![message["token"].as_str().expect("a token").to_owned()]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        let name = format!("projects/{PROJECT}/messages/{}", ids[0]);
        Reply::json(200, json!({ "name": name }))
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(
            404,
            "NOT_FOUND",
            "Requested entity was not found.",
            &[fcm("UNREGISTERED")],
        )
    }

    fn reject_request(_: &Request) -> Reply {
        refused(
            400,
            "INVALID_ARGUMENT",
            "Invalid value at 'message.data[0].value'",
            &[fcm("INVALID_ARGUMENT"), violation("message.data[0].value")],
        )
    }

    fn bad_credentials() -> Reply {
        unauthenticated()
    }

    fn aside(request: &Request) -> Option<Reply> {
        token_endpoint(request)
    }

    fn table() -> Vec<Case> {
        let unavailable = refused(503, "UNAVAILABLE", "…", &[fcm("UNAVAILABLE")]);
        let quota = refused(429, "RESOURCE_EXHAUSTED", "…", &[fcm("QUOTA_EXCEEDED")]);
        let too_big = "Message too big";
        let no_token = "The registration token is not a valid FCM registration token";
        vec![
            row(404, "NOT_FOUND", Some("UNREGISTERED"), "recipient"),
            row(
                403,
                "PERMISSION_DENIED",
                Some("SENDER_ID_MISMATCH"),
                "recipient",
            ),
            row(500, "INTERNAL", Some("INTERNAL"), "provider"),
            row(
                401,
                "UNAUTHENTICATED",
                Some("THIRD_PARTY_AUTH_ERROR"),
                "config",
            ),
            row(401, "UNAUTHENTICATED", Some("APNS_AUTH_ERROR"), "config"),
            row(401, "UNAUTHENTICATED", None, "config"),
            row(403, "PERMISSION_DENIED", None, "config"),
            // The project, and not the token.
            row(404, "NOT_FOUND", None, "config"),
            row(429, "RESOURCE_EXHAUSTED", None, "provider").waiting(60),
            Case::new(Reply::html(404), "config", "http_404"),
            Case::new(quota.clone(), "provider", "QUOTA_EXCEEDED").waiting(60),
            Case::new(
                quota.header("retry-after", "7"),
                "provider",
                "QUOTA_EXCEEDED",
            )
            .waiting(7),
            Case::new(unavailable.clone(), "provider", "UNAVAILABLE"),
            Case::new(
                unavailable.header("retry-after", "7"),
                "provider",
                "UNAVAILABLE",
            )
            .waiting(7),
            // About the token.
            Case::new(
                refused(
                    400,
                    "INVALID_ARGUMENT",
                    no_token,
                    &[fcm("INVALID_ARGUMENT")],
                ),
                "recipient",
                "invalid_token",
            ),
            Case::new(
                refused(400, "INVALID_ARGUMENT", "…", &[violation("message.token")]),
                "recipient",
                "invalid_token",
            ),
            // About the message.
            Case::new(
                refused(400, "INVALID_ARGUMENT", too_big, &[fcm("INVALID_ARGUMENT")]),
                "request",
                "INVALID_ARGUMENT",
            ),
            Case::new(
                refused(
                    400,
                    "INVALID_ARGUMENT",
                    "…",
                    &[fcm("INVALID_ARGUMENT"), violation("message.android.ttl")],
                ),
                "request",
                "INVALID_ARGUMENT",
            ),
        ]
    }
}

/// The detail in which FCM has its own code.
fn fcm(code: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
}

/// The detail that names a field.
fn violation(field: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": "Invalid value"}],
    })
}

fn refused(code: u16, status: &str, message: &str, details: &[Value]) -> Reply {
    let error = json!({"code": code, "message": message, "status": status, "details": details});
    Reply::json(code, json!({ "error": error }))
}

fn row(code: u16, status: &'static str, error: Option<&'static str>, kind: &'static str) -> Case {
    let details: Vec<Value> = error.into_iter().map(fcm).collect();
    let reply = refused(code, status, "No to cXfake-instance", &details);
    Case::new(reply, kind, error.unwrap_or(status))
}

/// An access token that is no longer good.
fn unauthenticated() -> Reply {
    let message = "Request had invalid authentication credentials.";
    refused(401, "UNAUTHENTICATED", message, &[])
}

crate::suite::cases::vendor_suite!(Fcm);
