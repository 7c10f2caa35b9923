//! The Apple Push Notification service.

mod connection;
mod requests;
mod token;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use crate::support::jwt::P256;
use notify_core::channel::PushMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::push::apns::{ApnsBuilder, ApnsProvider};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const TOPIC: &str = "com.example.app";
const KEY_ID: &str = "ABC123DEFG";
const TEAM_ID: &str = "DEF123GHIJ";

pub struct Apns;

fn builder(fake: &FakeVendor) -> ApnsBuilder {
    ApnsProvider::builder(TOPIC, P256.pem.as_str(), KEY_ID, TEAM_ID).http(fake.options())
}

/// When the provider token of a request was signed; panics if Apple would not know who signed it.
fn signed_at(request: &Request) -> i64 {
    let header = request.header("authorization").expect("a token");
    let token = header.strip_prefix("bearer ").expect("a bearer");
    let (header, claims) = P256.read(token);
    assert_eq!(header, json!({"alg": "ES256", "kid": KEY_ID}));
    let at = claims["iat"].as_i64().expect("a time");
    assert_eq!(claims, json!({"iss": TEAM_ID, "iat": at}));
    at
}

/// What Apple requires of every request; its device token and its payload.
fn device(request: &Request) -> (String, Value) {
    assert_eq!(request.method, "POST");
    assert!(request.http2, "Apple speaks nothing else");
    let token = request.path.strip_prefix("/3/device/").expect("the path");
    assert!(!token.is_empty() && token.bytes().all(|b| b.is_ascii_hexdigit()));
    let id = request.header("apns-id").expect("an id");
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "a UUID");
    assert_eq!(id, id.to_lowercase());
    let topic = request.header("apns-topic").expect("a topic");
    assert!(topic.starts_with(TOPIC));
    let push_type = request.header("apns-push-type").expect("a push type");
    let priority = request.header("apns-priority").expect("a priority");
    let priorities: &[&str] = match push_type {
        "background" => &["5"],
        _ => &["1", "5", "10"],
    };
    assert!(priorities.contains(&priority), "{push_type} at {priority}");
    let collapse = request.header("apns-collapse-id").unwrap_or_default();
    assert!(collapse.len() <= 64);
    let expiration = request.header("apns-expiration").unwrap_or("0");
    expiration.parse::<u64>().expect("seconds");
    assert!(request.body.len() <= if push_type == "voip" { 5_120 } else { 4_096 });
    let payload = request.json();
    assert!(payload["aps"].is_object());
    (token.to_owned(), payload)
}

impl Vendor for Apns {
    const HTTP2: bool = true;
    const SECRETS: &'static [&'static str] = &["PRIVATE KEY", "eyJhbGci"];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).build()?))
    }

    fn message() -> Message {
        Message::new(PushMessage::new("Order", "On its way"))
    }

    fn address(number: usize) -> Address {
        Address::device(format!(
            "00fc13adff785122b4ad28809a3420982341241421348097878e577c{number:08x}"
        ))
    }

    fn addresses(request: &Request) -> Vec<String> {
        signed_at(request);
        vec![device(request).0]
    }

    fn accept(request: &Request, _: &[String]) -> Reply {
        let id = request.header("apns-id").expect("an id");
        Reply::status(200).header("apns-id", id)
    }

    fn reject_recipient(_: &Request) -> Reply {
        unregistered()
    }

    fn reject_request(_: &Request) -> Reply {
        refused(400, "PayloadEmpty")
    }

    /// Apple says no time, and another server in front of it might.
    fn rate_limit(wait: Duration) -> Reply {
        refused(429, "TooManyRequests").header("retry-after", &wait.as_secs().to_string())
    }

    fn outage() -> Reply {
        refused(503, "Shutdown")
    }

    fn bad_credentials() -> Reply {
        refused(403, "InvalidProviderToken")
    }

    /// Yes is a status.
    fn nonsense() -> Option<Reply> {
        None
    }

    fn table() -> Vec<Case> {
        let mut table: Vec<Case> = [
            (400, "BadCollapseId", "request"),
            (400, "BadDeviceToken", "recipient"),
            (400, "BadExpirationDate", "request"),
            (400, "BadMessageId", "request"),
            (400, "BadPriority", "request"),
            (400, "BadTopic", "config"),
            (400, "DeviceTokenNotForTopic", "recipient"),
            (400, "DuplicateHeaders", "request"),
            (400, "IdleTimeout", "provider"),
            (400, "InvalidPushType", "request"),
            (400, "MissingDeviceToken", "request"),
            (400, "MissingTopic", "config"),
            (400, "PayloadEmpty", "request"),
            (400, "TopicDisallowed", "config"),
            (403, "BadCertificate", "config"),
            (403, "BadCertificateEnvironment", "config"),
            (403, "BadEnvironmentKeyIdInToken", "config"),
            (403, "BadEnvironmentKeyInToken", "config"),
            (403, "ExpiredProviderToken", "config"),
            (403, "Forbidden", "config"),
            (403, "InvalidProviderToken", "config"),
            (403, "MissingProviderToken", "config"),
            (403, "UnrelatedKeyIdInToken", "config"),
            (404, "BadPath", "config"),
            (405, "MethodNotAllowed", "config"),
            (410, "ExpiredToken", "recipient"),
            (413, "PayloadTooLarge", "request"),
            (429, "TooManyProviderTokenUpdates", "provider"),
            (429, "TooManyRequests", "provider"),
            (500, "InternalServerError", "provider"),
            (503, "ServiceUnavailable", "provider"),
            (503, "Shutdown", "provider"),
            // Words that Apple has not said yet.
            (400, "BadMoonPhase", "request"),
            (403, "BadMoonPhase", "config"),
            (500, "BadMoonPhase", "provider"),
        ]
        .map(|(status, reason, kind)| Case::new(refused(status, reason), kind, reason))
        .into();
        table.push(Case::new(unregistered(), "recipient", "Unregistered"));
        // A page of something in between kills no device.
        table.push(Case::new(Reply::html(410), "request", "http_410"));
        table.push(Case::new(Reply::html(400), "request", "http_400"));
        table
    }
}

fn refused(status: u16, reason: &str) -> Reply {
    Reply::json(status, json!({ "reason": reason }))
}

fn unregistered() -> Reply {
    Reply::json(
        410,
        json!({"reason": "Unregistered", "timestamp": 1_700_000_000_000_i64}),
    )
}

crate::suite::cases::vendor_suite!(Apns);
