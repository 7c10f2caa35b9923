//! Amazon SES.

mod requests;
mod signature;
mod webhook;

use crate::suite::{Case, Vendor};
use crate::support::http::{FakeVendor, Reply, Request};
use notify_core::channel::EmailMessage;
use notify_core::provider::Provider;
use notify_core::testkit::Answer;
use notify_core::{Address, Message, Result};
use notify_providers::email::ses::{SesBuilder, SesProvider};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "session-token-of-aws";

/// What SES says, and whose fault it is: status, type, words, kind, code.
const REFUSALS: &[(u16, &str, &str, &str, &str)] = &[
    (
        400,
        "BadRequestException",
        "Missing final '@domain'",
        "recipient",
        "invalid_address",
    ),
    (
        400,
        "BadRequestException",
        "Domain contains illegal character",
        "recipient",
        "invalid_address",
    ),
    (
        400,
        "BadRequestException",
        "Header value is too long",
        "request",
        "BadRequestException",
    ),
    (
        400,
        "MessageRejected",
        UNVERIFIED,
        "config",
        "identity_not_verified",
    ),
    (
        400,
        "MessageRejected",
        "Virus found",
        "request",
        "MessageRejected",
    ),
    (
        400,
        "AccountSuspendedException",
        "",
        "config",
        "AccountSuspendedException",
    ),
    (
        400,
        "SendingPausedException",
        "",
        "config",
        "SendingPausedException",
    ),
    (
        400,
        "MailFromDomainNotVerifiedException",
        "",
        "config",
        "MailFromDomainNotVerifiedException",
    ),
    (
        404,
        "NotFoundException",
        "Configuration set does not exist",
        "config",
        "NotFoundException",
    ),
    (
        400,
        "LimitExceededException",
        "Too many of a kind",
        "config",
        "LimitExceededException",
    ),
    (
        400,
        "LimitExceededException",
        "Daily message quota exceeded.",
        "provider",
        "daily_quota",
    ),
    (
        400,
        "ThrottlingException",
        "Maximum sending rate exceeded.",
        "provider",
        "ThrottlingException",
    ),
    (
        429,
        "TooManyRequestsException",
        "Daily message quota exceeded.",
        "provider",
        "daily_quota",
    ),
    (400, "Throttling", "Rate exceeded", "provider", "Throttling"),
    (
        403,
        "ExpiredTokenException",
        "The security token is expired",
        "config",
        "ExpiredTokenException",
    ),
    (
        400,
        "UnrecognizedClientException",
        "",
        "config",
        "UnrecognizedClientException",
    ),
    (
        400,
        "InvalidSignatureException",
        "",
        "config",
        "InvalidSignatureException",
    ),
    (
        400,
        "IncompleteSignature",
        "",
        "config",
        "IncompleteSignature",
    ),
    (
        400,
        "AccessDeniedException",
        "",
        "config",
        "AccessDeniedException",
    ),
    (
        400,
        "MissingAuthenticationToken",
        "",
        "config",
        "MissingAuthenticationToken",
    ),
    (
        500,
        "InternalServiceErrorException",
        "",
        "provider",
        "InternalServiceErrorException",
    ),
    (
        400,
        "MessageRejected:http://internal.amazon.com/coral/com.amazonaws.services/",
        "Virus found",
        "request",
        "MessageRejected",
    ),
];
const UNVERIFIED: &str = "Email address is not verified. The following identities failed the check in region EU-WEST-1: a@example.com";

fn builder(fake: &FakeVendor) -> SesBuilder {
    let from = "Example <news@example.com>".parse().expect("a mailbox");
    SesProvider::builder(KEY_ID, SECRET, "eu-west-1", from).http(fake.options())
}

/// One mail a call.
pub struct Ses;

/// Several.
pub struct SesBulk;

impl Vendor for Ses {
    const SECRETS: &'static [&'static str] = &[SECRET, TOKEN];

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).session_token(TOKEN).build()?))
    }

    fn message() -> Message {
        Message::new(EmailMessage::new("Greetings", "hello"))
    }

    fn address(number: usize) -> Address {
        Address::email(format!("reader-{number:06}@example.org"))
    }

    fn addresses(request: &Request) -> Vec<String> {
        signature::check(request, Some(TOKEN));
        addresses(request)
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, ids)
    }

    fn reject_recipient(_: &Request) -> Reply {
        said(400, "BadRequestException", "Missing final '@domain'")
    }

    fn reject_request(_: &Request) -> Reply {
        said(
            400,
            "MessageRejected",
            "Transaction failed: Missing start boundary",
        )
    }

    fn rate_limit(_: Duration) -> Reply {
        said(
            429,
            "TooManyRequestsException",
            "Maximum sending rate exceeded.",
        )
    }

    fn says_how_long() -> bool {
        false
    }

    fn bad_credentials() -> Reply {
        said(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match.",
        )
    }

    fn table() -> Vec<Case> {
        let case = |row: &(u16, &str, &str, &'static str, &'static str)| {
            let (status, kind, words, whose, code) = *row;
            let case = Case::new(said(status, kind, words), whose, code);
            // The quota of a day.
            if code == "daily_quota" {
                case.waiting(3_600)
            } else {
                case
            }
        };
        let mut table: Vec<_> = REFUSALS.iter().map(case).collect();
        let old = json!({"__type": "com.amazonaws.ses#ThrottlingException", "Message": "slow"});
        table.push(Case::json(400, old, "provider", "ThrottlingException"));
        table.push(Case::json(200, json!({}), "unknown", "answer"));
        table
    }
}

impl Vendor for SesBulk {
    const SECRETS: &'static [&'static str] = &[SECRET];
    const TAKES_BATCHES_WHOLE: bool = false;

    fn provider(fake: &FakeVendor) -> Result<Arc<dyn Provider>> {
        Ok(Arc::new(builder(fake).bulk(true).build()?))
    }

    fn message() -> Message {
        Ses::message()
    }

    fn address(number: usize) -> Address {
        Ses::address(number)
    }

    fn addresses(request: &Request) -> Vec<String> {
        signature::check(request, None);
        addresses(request)
    }

    fn accept(request: &Request, ids: &[String]) -> Reply {
        taken(request, ids)
    }

    fn reject_recipient(request: &Request) -> Reply {
        Ses::reject_recipient(request)
    }

    fn reject_request(request: &Request) -> Reply {
        Ses::reject_request(request)
    }

    fn answer_each(_: &Request, answers: &[(Answer, String)]) -> Reply {
        let entry = |(answer, id): &(Answer, String)| match answer {
            Answer::RejectRecipient => {
                json!({"Status": "INVALID_PARAMETER", "Error": "Missing final '@domain'"})
            }
            Answer::RejectRequest => json!({"Status": "MESSAGE_REJECTED", "Error": "Virus found"}),
            _ => json!({"Status": "SUCCESS", "MessageId": id}),
        };
        let entries: Vec<_> = answers.iter().map(entry).collect();
        Reply::json(200, json!({"BulkEmailEntryResults": entries}))
    }

    fn rate_limit(wait: Duration) -> Reply {
        Ses::rate_limit(wait)
    }

    fn says_how_long() -> bool {
        false
    }

    fn table() -> Vec<Case> {
        Ses::table()
    }
}

/// Whom a request is to, of either kind.
fn addresses(request: &Request) -> Vec<String> {
    let body = request.json();
    assert_eq!(body["FromEmailAddress"], "Example <news@example.com>");
    let one = |entry: &Value| {
        let to = entry["Destination"]["ToAddresses"]
            .as_array()
            .expect("a list");
        assert_eq!(to.len(), 1, "one reader does not see the others");
        to[0].as_str().expect("an address").to_owned()
    };
    match request.path.as_str() {
        "/v2/email/outbound-emails" => {
            let simple = &body["Content"]["Simple"];
            assert_eq!(simple["Subject"]["Charset"], "UTF-8");
            let parts = simple["Body"].as_object().expect("an object");
            assert!(!parts.is_empty() && parts.values().all(|part| part["Data"].is_string()));
            assert!(
                simple["Headers"]
                    .as_array()
                    .is_some_and(|headers| headers.len() <= 15)
            );
            vec![one(&body)]
        }
        "/v2/email/outbound-bulk-emails" => {
            assert!(body["DefaultContent"]["Template"]["TemplateContent"].is_object());
            let entries = body["BulkEmailEntries"].as_array().expect("a list");
            assert!((1..=50).contains(&entries.len()));
            entries.iter().map(one).collect()
        }
        other => panic!("there is no {other}"),
    }
}

fn taken(request: &Request, ids: &[String]) -> Reply {
    if request.path.ends_with("bulk-emails") {
        let entry = |id: &String| json!({"Status": "SUCCESS", "Error": null, "MessageId": id});
        let entries: Vec<_> = ids.iter().map(entry).collect();
        return Reply::json(200, json!({"BulkEmailEntryResults": entries}));
    }
    Reply::json(200, json!({"MessageId": ids[0]}))
}

fn said(status: u16, kind: &str, words: &str) -> Reply {
    Reply::json(status, json!({"message": words})).header("x-amzn-errortype", kind)
}

mod single {
    use super::Ses;
    crate::suite::cases::vendor_suite!(Ses);
}

mod several {
    use super::SesBulk;
    crate::suite::cases::vendor_suite!(SesBulk);
}
