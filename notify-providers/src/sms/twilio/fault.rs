//! What Twilio's codes mean: <https://www.twilio.com/docs/api/errors>.

use notify_core::provider::{Fault, FaultKind};
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Config, Provider, Recipient, Request};
use When::Code;

/// By code, of answers and of status callbacks. Twilio says that it will split some of them further: what is not here goes by the
/// status of the answer.
const RULES: &[Rule] = &[
    (Code("20003"), Config),    // authentication
    (Code("20404"), Config),    // no such account
    (Code("20429"), Provider),  // too many requests
    (Code("21211"), Recipient), // no number
    (Code("21212"), Config),    // the sender is no number
    (Code("21408"), Config),    // the account may not send to this country
    (Code("21603"), Config),    // no sender
    (Code("21606"), Config),    // the sender is not the account's
    (Code("21608"), Config),    // a trial account sends to verified numbers only
    (Code("21610"), Recipient), // answered STOP
    (Code("21612"), Request),   // this sender cannot reach this number
    (Code("21614"), Recipient), // not a mobile number
    (Code("21617"), Request),   // too long
    (Code("21659"), Config),    // the sender is not the account's
    (Code("30001"), Provider),  // the queue is full
    (Code("30002"), Config),    // the account is suspended
    (Code("30003"), Provider),  // the phone is off
    (Code("30004"), Request),   // blocked
    (Code("30005"), Recipient), // no such number
    (Code("30006"), Recipient), // a landline
    (Code("30007"), Request),   // filtered by the carrier
    (Code("30008"), Provider),  // the carrier does not say
    (Code("30032"), Config),    // the toll-free number is not registered
    (Code("30034"), Config),    // the number is not registered
];

/// Those that are about the sender.
const SENDER: &[&str] = &["21212", "21606", "21659"];

#[derive(Default, Deserialize)]
struct Refused {
    code: Option<u32>,
}

/// The fault of an answer that is a no. A sender that came with the message is the message's fault.
pub(super) fn of(answer: &Answer, own_sender: bool) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let fault = answer.refusal().code(refused.code).fault(RULES);
    if own_sender && SENDER.contains(&fault.code()) {
        return Fault::request(fault.code().to_owned());
    }
    fault
}

/// The fault of the code of a status callback; what no row knows is the request's.
pub(super) fn of_code(code: &str) -> Fault {
    let row = RULES
        .iter()
        .find(|(when, _)| matches!(when, Code(known) if *known == code));
    let kind = match row.map(|(_, verdict)| verdict) {
        Some(Config) => FaultKind::Config,
        Some(Provider) => FaultKind::Provider { retry_after: None },
        Some(Recipient) => FaultKind::Recipient,
        _ => FaultKind::Request,
    };
    Fault::new(kind, code.to_owned())
}
