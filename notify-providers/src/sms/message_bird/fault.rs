//! What MessageBird's codes mean: <https://developers.messagebird.com/api/#api-errors>.

use notify_core::provider::{Fault, ProviderEventKind};
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};
use crate::sms::callback::word;
use crate::sms::outcome::Outcome;

use Outcome::{Absent, Account, Dead, OptedOut, Vendor};
use Verdict::{Config, Provider, Recipient, Request};
use When::Code;

/// By the code of the first error; what is not here goes by the status.
const RULES: &[Rule] = &[
    (Code("2"), Config),    // the access key
    (Code("9"), Recipient), // no number
    (Code("10"), Request),  // a parameter
    (Code("20"), Request),  // not found
    (Code("21"), Request),  // a bad request
    (Code("25"), Config),   // money
    (Code("98"), Provider), // not found, inside
    (Code("99"), Provider), // an error of MessageBird
];

/// By `statusErrorCode` of a report; the lower ones are those of GSM (3GPP TS 29.002).
const REPORTS: &[(&str, Outcome)] = &[
    ("1", Dead),       // no such subscriber
    ("5", Dead),       // not identified
    ("6", Absent),     // absent
    ("9", Dead),       // illegal subscriber
    ("11", Dead),      // has no texts
    ("12", Absent),    // an error in the phone
    ("13", Dead),      // barred
    ("21", Dead),      // cannot get texts
    ("27", Absent),    // absent
    ("31", Absent),    // busy
    ("32", Absent),    // an error in the phone
    ("33", Absent),    // full
    ("34", Vendor),    // the network
    ("103", OptedOut), // wants nothing more
    ("104", Account),  // the sender is not registered
    ("105", Account),  // the text is not registered
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    errors: Vec<Value>,
}

/// The fault of an answer that is a no.
pub(super) fn of(answer: &Answer) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let code = refused.errors.first().and_then(|error| word(error, "code"));
    answer.refusal().code(code).fault(RULES)
}

/// What a report says of a message, by its status and code.
pub(super) fn report(status: &str, code: Option<&str>) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match status {
        "scheduled" | "sent" | "buffered" => return (Kind::Accepted, None),
        "delivered" => return (Kind::Delivered, None),
        "expired" => return Outcome::Expired.event(status),
        "delivery_failed" => {}
        other => return (Kind::unknown(other), None),
    }
    let is_code = |code: &&str| code.len() <= 4 && code.bytes().all(|b| b.is_ascii_digit());
    match code.filter(is_code) {
        Some("0") | None => Vendor.event(status),
        Some(code) => {
            let outcome = Outcome::find(REPORTS, code).unwrap_or(Vendor);
            outcome.event(&format!("err_{code}"))
        }
    }
}
