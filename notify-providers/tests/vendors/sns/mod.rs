//! Amazon SNS.

mod requests;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign};
use notify_core::channel::SmsMessage;
use notify_core::provider::Provider;
use notify_core::{Address, Message, Result};
use notify_providers::sms::sns::SnsProvider;
use std::sync::Arc;

const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const REGION: &str = "eu-west-1";

pub struct Sns;

impl Vendor for Sns {
    const SECRETS: &'static [&'static str] = &[SECRET];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        let builder = SnsProvider::builder(KEY, SECRET, REGION);
        Ok(Arc::new(builder.http(fake.options()).build()?))
    }

    fn message() -> Message {
        Message::new(SmsMessage::new("Your code is 123456."))
    }

    fn address(number: usize) -> Address {
        Address::phone(format!("+1555{number:07}"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        assert_eq!(
            (
                request.method.as_str(),
                request.path.as_str(),
                request.query.as_str()
            ),
            ("POST", "/", "")
        );
        assert_ne!(
            request.header("accept"),
            Some("application/json"),
            "SNS documents XML"
        );
        check_signature(request);
        assert_eq!(request.field("Action").as_deref(), Some("Publish"));
        assert_eq!(request.field("Version").as_deref(), Some("2010-03-31"));
        assert!(
            request
                .field("Message")
                .is_some_and(|text| !text.is_empty())
        );
        vec![request.field("PhoneNumber").expect("a number")]
    }

    fn accept(_: &Request, ids: &[String]) -> Reply {
        let id = &ids[0];
        xml(
            200,
            &format!(
                "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}</MessageId></PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>"
            ),
        )
    }

    fn reject_recipient(_: &Request) -> Reply {
        refused(
            400,
            "InvalidParameter",
            "Invalid parameter: PhoneNumber Reason: +15550000000 is not valid to publish to",
        )
    }

    fn reject_request(_: &Request) -> Reply {
        refused(
            400,
            "InvalidParameter",
            "Invalid parameter: Message too long",
        )
    }

    fn table() -> Vec<Case> {
        let case =
            |status, code: &'static str, kind| Case::new(refused(status, code, "No."), kind, code);
        vec![
            Case::new(
                Self::reject_recipient_reply(),
                "recipient",
                "InvalidParameter",
            ),
            Case::new(
                refused(
                    400,
                    "InvalidParameter",
                    "Invalid parameter: Phone number is opted out",
                ),
                "recipient",
                "InvalidParameter",
            ),
            case(400, "OptedOut", "recipient"),
            case(400, "InvalidParameter", "request"),
            case(400, "ParameterValueInvalid", "request"),
            case(400, "ValidationException", "request"),
            case(400, "IncompleteSignature", "config"),
            case(400, "RequestExpired", "config"),
            case(403, "AuthorizationError", "config"),
            case(403, "InvalidSecurity", "config"),
            case(403, "SignatureDoesNotMatch", "config"),
            case(403, "ExpiredToken", "config"),
            case(404, "NotFound", "config"),
            case(400, "KMSThrottling", "provider"),
            case(400, "RequestLimitExceeded", "provider"),
            case(400, "Throttled", "provider"),
            case(400, "ThrottledException", "provider"),
            case(400, "Throttling", "provider"),
            case(400, "ThrottlingException", "provider"),
            case(429, "Throttled", "provider"),
            case(500, "InternalError", "provider"),
            case(503, "ServiceUnavailable", "provider"),
            Case::new(
                xml(200, "<PublishResponse></PublishResponse>"),
                "unknown",
                "answer",
            ),
        ]
    }
}

impl Sns {
    fn reject_recipient_reply() -> Reply {
        refused(
            400,
            "InvalidParameter",
            "Invalid parameter: PhoneNumber Reason: +15550000000 is not valid",
        )
    }
}

fn xml(status: u16, body: &str) -> Reply {
    Reply::status(status)
        .header("content-type", "text/xml")
        .body(body)
}

/// The vendor's words for a no.
fn refused(status: u16, code: &str, message: &str) -> Reply {
    xml(
        status,
        &format!(
            "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId></ErrorResponse>"
        ),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(key: &[u8], text: &str) -> Tag {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
}

/// Makes the signature as AWS does (Signature Version 4), of what came, and compares.
fn check_signature(request: &Request) {
    let header = |name| {
        request
            .header(name)
            .unwrap_or_else(|| panic!("{name} is missing"))
    };
    let (date, authorization) = (header("x-amz-date"), header("authorization"));
    let day = &date[..8];
    let scope = format!("{day}/{REGION}/sns/aws4_request");
    let rest = authorization
        .strip_prefix(&format!(
            "AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders="
        ))
        .expect("our key and scope");
    let (names, signature) = rest.split_once(", Signature=").expect("a signature");
    for must in ["content-type", "host", "x-amz-date"] {
        assert!(
            names.split(';').any(|name| name == must),
            "{must} is not signed"
        );
    }
    let token = request.header("x-amz-security-token");
    assert_eq!(token.is_some(), names.contains("x-amz-security-token"));
    let headers: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name)))
        .collect();
    let body = hex(digest(&SHA256, &request.body).as_ref());
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{body}");
    let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let key = hmac(format!("AWS4{SECRET}").as_bytes(), day);
    let key = hmac(key.as_ref(), REGION);
    let key = hmac(key.as_ref(), "sns");
    let key = hmac(key.as_ref(), "aws4_request");
    let expected = hmac(
        key.as_ref(),
        &format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{hash}"),
    );
    assert_eq!(signature, hex(expected.as_ref()));
}

crate::suite::cases::vendor_suite!(Sns);
