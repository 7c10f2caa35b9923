//! What SMSC's codes mean: <https://smsc.ru/api/http/send/> for calls, <https://smsc.ru/api/http/status_messages/> for reports.

use notify_core::provider::{Fault, ProviderEventKind};
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};
use crate::sms::outcome::Outcome;

use Outcome::{Absent, Account, Dead, Filtered, Rejected, Vendor};
use Verdict::{Config, Recipient, Request, Wait};
use When::Code;

/// By `error_code`, which comes with the status 200. What is not here is the request's.
const RULES: &[Rule] = &[
    (Code("1"), Request),     // parameters
    (Code("2"), Config),      // login, password or the caller's IP
    (Code("3"), Config),      // money
    (Code("4"), Wait(3_600)), // the caller's IP is blocked for a while
    (Code("5"), Request),     // a date
    (Code("6"), Request),     // the text or the sender is forbidden
    (Code("7"), Recipient),   // no number
    (Code("8"), Request),     // no delivery to this number by this route
    (Code("9"), Wait(60)),    // the same within a minute, or too many calls at a time
];

/// By `err`, of reports about messages that did not arrive.
const REPORTS: &[(&str, Outcome)] = &[
    ("1", Dead),       // no such subscriber
    ("6", Absent),     // offline
    ("11", Dead),      // has no texts
    ("12", Absent),    // an error in the phone
    ("13", Dead),      // blocked
    ("21", Dead),      // cannot get texts
    ("219", Filtered), // the SIM card was replaced
    ("220", Vendor),   // the operator's queue is full
    ("239", Account),  // a forbidden IP
    ("243", Account),  // no contract
    ("244", Account),  // mailings are forbidden
    ("245", Vendor),   // no status came
    ("246", Rejected), // the time of day
    ("247", Rejected), // a limit of messages
    ("248", Rejected), // no route
    ("249", Dead),     // no number
    ("250", Account),  // forbidden by the account's settings
    ("251", Rejected), // a limit for this number
    ("252", Filtered), // a forbidden number
    ("253", Filtered), // spam
    ("254", Account),  // the sender is not registered
    ("255", Filtered), // refused by the operator
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Value,
    error_code: Option<u32>,
}

/// The fault of an answer that is a no, if it is one: SMSC says so in its body.
pub(super) fn of(answer: &Answer) -> Option<Fault> {
    let refused: Refused = answer.read().unwrap_or_default();
    let code = refused.error_code.map(|code| code.to_string());
    if code.is_none() && refused.error.is_null() && answer.is_success() {
        return None;
    }
    let code = code.or_else(|| (!refused.error.is_null()).then(|| "error".to_owned()));
    Some(answer.refusal().code(code).fault(RULES))
}

/// The fault of one number of a call that was taken, or of a report, by its `err`.
pub(super) fn of_report(err: &str) -> Fault {
    let (_, fault) = outcome(err).event(&code(err));
    fault.unwrap_or_else(|| Fault::request("undelivered"))
}

/// What a report about a message that did not arrive says.
pub(super) fn undelivered(err: &str) -> (ProviderEventKind, Option<Fault>) {
    outcome(err).event(&code(err))
}

fn outcome(err: &str) -> Outcome {
    Outcome::find(REPORTS, err).unwrap_or(Vendor)
}

/// The codes of reports are other ones than those of calls, so they are told apart.
fn code(err: &str) -> String {
    let is_code = (1..=4).contains(&err.len()) && err.bytes().all(|b| b.is_ascii_digit());
    if is_code {
        format!("err_{err}")
    } else {
        "undelivered".to_owned()
    }
}
