//! What Vonage's codes mean: <https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms> for calls,
//! <https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts> for reports.

use notify_core::provider::{Fault, ProviderEventKind};
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};
use crate::sms::outcome::Outcome;

use Outcome::{Absent, Dead, Filtered, OptedOut, Rejected, Vendor};
use Verdict::{Config, Provider, Recipient, Request, Wait};
use When::Code;

/// By the `status` of a segment, which comes with the status 200 of HTTP. What is not here is the request's.
const RULES: &[Rule] = &[
    (Code("1"), Wait(1)),    // too fast
    (Code("2"), Request),    // a parameter is missing
    (Code("3"), Request),    // a parameter is wrong
    (Code("4"), Config),     // key or secret
    (Code("5"), Provider),   // an error of Vonage
    (Code("6"), Recipient),  // cannot be routed
    (Code("7"), Recipient),  // barred
    (Code("8"), Config),     // the account is barred
    (Code("9"), Config),     // money
    (Code("10"), Wait(1)),   // too many connections
    (Code("11"), Config),    // the account may not use this interface
    (Code("12"), Request),   // too long
    (Code("14"), Config),    // signature
    (Code("15"), Config),    // sender
    (Code("22"), Request),   // network code
    (Code("23"), Config),    // callback
    (Code("29"), Config),    // a trial account sends to its own numbers only
    (Code("32"), Config),    // signature and secret at the same time
    (Code("33"), Recipient), // the number is no longer in use
];

/// The status that is about the sender.
const SENDER: &str = "15";

/// By `err-code` of a report, and by `error.title` of one of the Messages API.
const REPORTS: &[(&str, Outcome)] = &[
    ("1", Vendor),
    ("2", Absent),
    ("3", Dead),      // absent for good
    ("4", OptedOut),  // barred by the subscriber
    ("5", Vendor),    // the number moved to another network
    ("6", Filtered),  // spam
    ("7", Absent),    // busy
    ("8", Vendor),    // the network
    ("9", Dead),      // no number
    ("10", Rejected), // the text
    ("11", Rejected), // no route
    ("12", Absent),   // out of reach
    ("13", Filtered), // age
    ("14", Filtered), // blocked by the carrier
    ("15", Rejected), // the subscriber's money
    ("99", Vendor),
    ("1000", Vendor), // too fast
    ("1260", Absent), // out of reach
];

/// What Vonage says of each segment.
#[derive(Deserialize)]
pub(super) struct Said {
    pub(super) messages: Vec<Segment>,
}

#[derive(Deserialize)]
pub(super) struct Segment {
    status: String,
    #[serde(rename = "message-id")]
    pub(super) id: Option<String>,
    #[serde(rename = "message-price")]
    pub(super) price: Option<String>,
}

impl Segment {
    pub(super) fn is_taken(&self) -> bool {
        self.status == "0"
    }
}

/// The fault of a message that was not taken. A sender that came with the message is the message's fault.
pub(super) fn of(answer: &Answer, segment: &Segment, own_sender: bool) -> Fault {
    let fault = answer.refusal().code(Some(&segment.status)).fault(RULES);
    if own_sender && fault.code() == SENDER {
        return Fault::request(SENDER);
    }
    fault
}

/// What a report says of a message, by its status and code.
pub(super) fn report(status: &str, code: Option<&str>) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let usual = match status {
        "accepted" | "buffered" | "submitted" => return (Kind::Accepted, None),
        "delivered" => return (Kind::Delivered, None),
        "read" => return (Kind::Opened, None),
        "expired" => return Outcome::Expired.event(status),
        "rejected" => Rejected,
        "failed" | "undeliverable" => Vendor,
        other => return (Kind::unknown(other), None),
    };
    let code = code.filter(|code| code.len() <= 4 && code.bytes().all(|b| b.is_ascii_digit()));
    match code {
        Some(code) if code != "0" => {
            let outcome = Outcome::find(REPORTS, code).unwrap_or(usual);
            outcome.event(&format!("err_{code}"))
        }
        _ => usual.event(status),
    }
}
