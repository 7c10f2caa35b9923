//! What Plivo's refusals and codes mean: <https://www.plivo.com/docs/messaging/troubleshooting/error-codes>.

use notify_core::provider::{Fault, ProviderEventKind};

use crate::http::{Answer, Rule, Verdict, When};
use crate::sms::outcome::Outcome;

use Outcome::{Absent, Account, Dead, Expired, Filtered, OptedOut, Rejected, Vendor};
use Verdict::Config;
use When::Status;

/// Calls are refused in words, without a code: all but these go by the status.
const RULES: &[Rule] = &[
    (Status(404), Config), // no such account
    (Status(405), Config), // the base URL is not the vendor's
];

/// By `ErrorCode` of a report.
const REPORTS: &[(&str, Outcome)] = &[
    ("10", Rejected),  // the text
    ("20", Vendor),    // the network
    ("30", Filtered),  // spam
    ("40", Account),   // sender
    ("50", Dead),      // no number
    ("60", Rejected),  // a loop
    ("70", Dead),      // out of reach for good
    ("80", Absent),    // out of reach for now
    ("90", Rejected),  // no route
    ("100", Filtered), // forbidden by the carrier
    ("110", Rejected), // too long
    ("200", OptedOut), // answered STOP
    ("300", Vendor),   // an error of Plivo
    ("420", Expired),
    ("450", Account), // the account may not send to this country
    ("900", Account), // money
    ("1000", Vendor), // nobody knows
];

/// The fault of an answer that is a no.
pub(super) fn of(answer: &Answer) -> Fault {
    answer.refusal().fault(RULES)
}

/// What a report says of a message, by its status and code.
pub(super) fn report(status: &str, code: Option<&str>) -> (ProviderEventKind, Option<Fault>) {
    use ProviderEventKind as Kind;
    let usual = match status {
        "queued" | "sent" => return (Kind::Accepted, None),
        "delivered" => return (Kind::Delivered, None),
        "read" => return (Kind::Opened, None),
        "rejected" => Rejected,
        "failed" | "undelivered" => Vendor,
        other => return (Kind::unknown(other), None),
    };
    let is_code = |code: &&str| code.len() <= 4 && code.bytes().all(|b| b.is_ascii_digit());
    match code.filter(is_code) {
        Some("000") | None => usual.event(status),
        Some(code) => Outcome::find(REPORTS, code).unwrap_or(usual).event(code),
    }
}
