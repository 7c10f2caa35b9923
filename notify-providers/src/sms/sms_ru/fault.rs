//! What the codes of SMS.ru mean: <https://sms.ru/api/status>.

use notify_core::provider::{Fault, ProviderEventKind};
use serde_json::Value;

use super::TAKEN;
use crate::http::{Answer, Rule, Verdict, When};
use crate::sms::outcome::Outcome;

use Outcome::{Absent, Expired, Filtered, Rejected, Vendor};
use Verdict::{Config, Provider, Recipient, Request, Wait};
use When::Code;

const HOUR: u32 = 3_600;

/// By `status_code`, of the call and of each number, which come with the status 200. What is not here is the request's. Limits of a
/// day are asked again each hour, for nobody says when the vendor's day begins.
const RULES: &[Rule] = &[
    (Code("200"), Config),     // api_id
    (Code("201"), Config),     // money
    (Code("202"), Recipient),  // no number
    (Code("203"), Request),    // no text
    (Code("204"), Config),     // the sender is not approved, or not for this operator
    (Code("205"), Request),    // too long
    (Code("206"), Wait(HOUR)), // the account's limit of a day
    (Code("207"), Request),    // no route to this number
    (Code("208"), Request),    // a date
    (Code("209"), Recipient),  // on the account's stop list
    (Code("210"), Config),     // GET instead of POST: the base URL redirects
    (Code("211"), Config),     // no such method: the base URL is not the vendor's
    (Code("212"), Request),    // not UTF-8
    (Code("213"), Request),    // too many numbers
    (Code("214"), Request),    // abroad
    (Code("220"), Provider),   // out of order
    (Code("230"), Wait(HOUR)), // the limit of a day for this number
    (Code("231"), Wait(60)),   // the same within a minute
    (Code("232"), Wait(HOUR)), // the same within a day
    (Code("233"), Wait(HOUR)), // too many codes to this number
    (Code("300"), Config),     // the token is too old, or the IP another one
    (Code("301"), Config),     // login
    (Code("302"), Config),     // the account is not confirmed
    (Code("500"), Provider),   // an error of the server
    (Code("901"), Config),     // the URL for reports
    (Code("902"), Config),     // the URL for reports
];

/// The code that is about the sender.
const SENDER: &str = "204";

/// By the status of a report that a message did not arrive.
const REPORTS: &[(&str, Outcome)] = &[
    ("104", Expired),
    ("105", Rejected), // deleted by the operator
    ("106", Absent),   // a failure of the phone
    ("107", Vendor),   // nobody knows
    ("108", Filtered), // refused
    ("130", Rejected), // limits, as in RULES
    ("131", Rejected),
    ("132", Rejected),
    ("150", Rejected), // no route
];

/// The fault of a code of a call or a number. A sender that came with the message is the message's fault.
pub(super) fn of(answer: &Answer, code: Option<i64>, own_sender: bool) -> Fault {
    let fault = answer.refusal().code(code).fault(RULES);
    if own_sender && fault.code() == SENDER {
        return Fault::request(SENDER);
    }
    fault
}

/// The fault of one number, if it was not taken.
pub(super) fn of_number(answer: &Answer, number: &Value, own_sender: bool) -> Option<Fault> {
    match number.get("status_code").and_then(Value::as_i64) {
        Some(TAKEN) => None,
        Some(code) => Some(of(answer, Some(code), own_sender)),
        None => Some(Fault::unknown("answer")),
    }
}

/// What the status of a report says.
pub(super) fn report(status: &str) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    match status {
        "100" | "101" | "102" => (Kind::Accepted, None),
        "103" => (Kind::Delivered, None),
        "110" => (Kind::Opened, None),
        other => match Outcome::find(REPORTS, other) {
            Some(outcome) => outcome.event(other),
            None => (Kind::unknown(other), None),
        },
    }
}
