//! Mailgun.

mod requests;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::email::mailgun::MailgunProvider;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY: &str = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0";
/// `api:` and the key.
const BASIC: &str = "Basic YXBpOmtleS0zYXg2eG5qcDI5amQ2ZmRzNGdjMzczc2d2anh0ZW9sMA==";

pub struct Mailgun;

impl Vendor for Mailgun {
    const SECRETS: &'static [&'static str] = &[KEY];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let from = "Example <news@example.com>".parse()?;
        let builder = MailgunProvider::builder(KEY, "mg.example.com", from).http(fake.options());
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
            ("POST", "/v3/mg.example.com/messages")
        );
        assert_eq!(request.header("authorization"), Some(BASIC));
        let fields = fields(request);
        let all = |name: &str| -> Vec<String> {
            let found = fields.iter().filter(|field| field.name == name);
            found.map(Field::text).collect()
        };
        assert_eq!(all("from"), ["Example <news@example.com>"]);
        assert_eq!(all("subject").len(), 1);
        assert!(all("text").len() + all("html").len() > 0);
        assert!(all("o:tag").len() <= 10);
        let to = all("to");
        assert!((1..=1_000).contains(&to.len()));
        if to.len() > 1 {
            let variables: Value =
                serde_json::from_str(&all("recipient-variables")[0]).expect("JSON");
            let named = variables.as_object().expect("an object");
            assert!(
                to.iter().all(|one| named.contains_key(one)),
                "everyone would see everyone"
            );
        }
        to
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        taken(&ids[0])
    }

    fn reject_recipient(_: &Request) -> Reply {
        dead_address()
    }

    fn reject_request(_: &Request) -> Reply {
        said(
            400,
            "Need at least one of 'text' or 'html' parameters specified",
        )
    }

    fn rate_limit(wait: Duration) -> Reply {
        said(429, "Too many requests").header("retry-after", &wait.as_secs().to_string())
    }

    fn bad_credentials() -> Reply {
        Reply::text(401, "Forbidden")
    }

    fn table() -> Vec<Case> {
        vec![
            Case::new(dead_address(), "recipient", "invalid_to"),
            Case::new(
                said(
                    400,
                    "to parameter is not a valid address. please check documentation",
                ),
                "recipient",
                "invalid_to",
            ),
            Case::new(
                said(
                    400,
                    "from parameter is not a valid address. please check documentation",
                ),
                "request",
                "http_400",
            ),
            Case::new(
                said(
                    400,
                    "Sandbox subdomains are for test purposes only. Please add your own domain.",
                ),
                "config",
                "http_400",
            ),
            Case::new(
                said(
                    400,
                    "Free accounts are for test purposes only. Please upgrade.",
                ),
                "config",
                "http_400",
            ),
            Case::new(Reply::text(401, "Forbidden"), "config", "http_401"),
            Case::new(said(402, "Payment required"), "config", "http_402"),
            Case::new(
                said(403, "Domain mg.example.com is not allowed to send"),
                "config",
                "http_403",
            ),
            Case::new(
                said(404, "Domain not found: mg.example.com"),
                "config",
                "http_404",
            ),
            Case::new(said(413, "Request entity too large"), "request", "http_413"),
            Case::new(said(429, "Too many requests"), "provider", "http_429"),
            Case::new(said(500, "Internal server error"), "provider", "http_500"),
            Case::new(
                Reply::text(200, "Mailgun Magnificent API"),
                "config",
                "endpoint",
            ),
        ]
    }
}

fn taken(id: &str) -> Reply {
    Reply::json(
        200,
        json!({"id": format!("<{id}>"), "message": "Queued. Thank you."}),
    )
}

fn dead_address() -> Reply {
    said(
        400,
        "'to' parameter is not a valid address. please check documentation",
    )
}

fn said(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({"message": message}))
}

/// One field of a form as the vendor reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub file: Option<(String, String)>,
    pub data: Vec<u8>,
}

impl Field {
    pub fn text(&self) -> String {
        String::from_utf8(self.data.clone()).expect("text")
    }
}

/// The fields of a form of either type (RFC 7578 and the plain one).
pub fn fields(request: &Request) -> Vec<Field> {
    let kind = request.header("content-type").expect("a type");
    let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") else {
        let plain = |(name, value): (String, String)| Field {
            name,
            file: None,
            data: value.into_bytes(),
        };
        return request.form().into_iter().map(plain).collect();
    };
    let mut rest = request.body.as_slice();
    let mut fields = Vec::new();
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|at| at == what);
    let line = format!("--{boundary}\r\n");
    let between = format!("\r\n--{boundary}");
    assert!(rest.starts_with(line.as_bytes()));
    rest = &rest[line.len()..];
    loop {
        let head = find(rest, b"\r\n\r\n").expect("a head");
        let end = find(&rest[head + 4..], between.as_bytes()).expect("an end");
        let text = std::str::from_utf8(&rest[..head]).expect("text");
        fields.push(field(text, &rest[head + 4..head + 4 + end]));
        rest = &rest[head + 4 + end + between.len()..];
        if rest == b"--\r\n" {
            return fields;
        }
        rest = rest.strip_prefix(b"\r\n").expect("another part");
    }
}

fn field(head: &str, data: &[u8]) -> Field {
    let parameter = |name: &str| {
        let (_, rest) = head.split_once(&format!(" {name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let kind = head
        .split_once("\r\nContent-Type: ")
        .map(|(_, kind)| kind.to_owned());
    Field {
        name: parameter("name").expect("a name"),
        file: parameter("filename").map(|name| (name, kind.expect("files have a type"))),
        data: data.to_vec(),
    }
}

crate::suite::cases::vendor_suite!(Mailgun);
