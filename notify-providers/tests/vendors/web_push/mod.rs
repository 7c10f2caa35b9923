//! Web Push.

mod browser;
mod requests;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::PushMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::http::Guard;
use notify_providers::push::web_push::{VapidKey, WebPushBuilder, WebPushProvider};
use serde_json::json;
use std::cell::RefCell;
use std::sync::Arc;

/// The sender of RFC 8291, appendix A: any key will do.
const PRIVATE: &str = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw";
const PUBLIC: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
const CONTACT: &str = "mailto:ops@example.com";

thread_local! {
    /// Where the push service of this test is: subscriptions lead there.
    static SERVICE: RefCell<String> = const { RefCell::new(String::new()) };
}

pub struct WebPush;

/// A provider that may call this host.
fn builder(fake: &FakeVendor) -> WebPushBuilder {
    let key = VapidKey::from_private_key(&PRIVATE.into()).expect("a key");
    WebPushProvider::builder(key, CONTACT)
        .guard(Guard::new().allow_loopback())
        .http(fake.options())
}

impl Vendor for WebPush {
    const SECRETS: &'static [&'static str] = &[PRIVATE, "eyJhbGci", "eyJ0eXAi"];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        SERVICE.set(fake.url());
        Ok(Arc::new(builder(fake).build()?))
    }

    fn message() -> Message {
        Message::new(PushMessage::new("Order", "On its way"))
    }

    fn address(number: usize) -> Address {
        let service = SERVICE.with_borrow(String::clone);
        browser::address(&format!("{service}/push/{number:06}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        let host = request.header("host").expect("a host");
        let origin = format!("https://{host}");
        let message = browser::read(request, &origin, PUBLIC);
        assert_eq!(message["notification"]["title"], "Order");
        assert!(request.path.starts_with("/push/"));
        vec![browser::subscription(&format!("{origin}{}", request.path))]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        let url = format!("https://push.example.net/m/{}", ids[0]);
        Reply::status(201).header("location", &url)
    }

    fn reject_recipient(_: &Request) -> Reply {
        Reply::status(410)
    }

    fn reject_request(_: &Request) -> Reply {
        Reply::status(413)
    }

    /// Yes is a status.
    fn nonsense() -> Option<Reply> {
        None
    }

    fn table() -> Vec<Case> {
        let google = "the VAPID credentials in the authorization header do not correspond to the credentials used to create the subscriptions.\n";
        let google_before = "the key in the authorization header does not correspond to the sender ID used to subscribe this user.";
        let legacy = "<HTML><TITLE>MismatchSenderId</TITLE></HTML>";
        let apple = |reason: &str| Reply::json(403, json!({ "reason": reason }));
        vec![
            mozilla(400, 111, "request", "errno_111"),
            mozilla(400, 110, "request", "errno_110"),
            mozilla(401, 109, "config", "errno_109"),
            mozilla(404, 102, "recipient", "errno_102"),
            mozilla(410, 103, "recipient", "errno_103"),
            mozilla(410, 105, "recipient", "errno_105"),
            mozilla(410, 106, "recipient", "errno_106"),
            mozilla(413, 104, "request", "errno_104"),
            mozilla(429, 201, "provider", "errno_201"),
            mozilla(502, 900, "provider", "errno_900"),
            mozilla(503, 202, "provider", "errno_202"),
            mozilla(500, 999, "provider", "errno_999"),
            Case::new(Reply::status(404), "recipient", "http_404"),
            Case::new(Reply::status(410), "recipient", "http_410"),
            Case::new(Reply::status(400), "request", "http_400"),
            Case::new(Reply::status(403), "config", "http_403"),
            Case::new(Reply::status(406), "provider", "http_406").waiting(60),
            Case::new(
                Reply::status(406).header("retry-after", "7"),
                "provider",
                "http_406",
            )
            .waiting(7),
            Case::new(Reply::text(403, google), "request", "vapid_mismatch"),
            Case::new(Reply::text(403, google_before), "request", "vapid_mismatch"),
            Case::new(Reply::text(403, legacy), "request", "vapid_mismatch"),
            Case::new(apple("VapidPkHashMismatch"), "request", "vapid_mismatch"),
            Case::new(apple("BadJwtToken"), "config", "BadJwtToken"),
        ]
    }
}

/// Mozilla's answers.
fn mozilla(status: u16, errno: u16, kind: &'static str, code: &'static str) -> Case {
    let body = json!({
        "code": status,
        "errno": errno,
        "error": "Gone",
        "message": "No to /push/000000",
        "more_info": "http://autopush.readthedocs.io/en/latest/http.html#error-codes",
    });
    Case::json(status, body, kind, code)
}

crate::suite::cases::vendor_suite!(WebPush);
