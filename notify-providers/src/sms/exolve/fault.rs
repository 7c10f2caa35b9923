//! What the refusals of Exolve mean. Its codes are those of gRPC, which do not tell a number from a text; its words do.

use notify_core::provider::Fault;
use serde::Deserialize;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};
use crate::sms::callback::word;

/// All but these go by the status.
const RULES: &[Rule] = &[
    // The field of the request that holds the number.
    (
        When::StatusText(400, "sendrequest.destination"),
        Verdict::Recipient,
    ),
    (When::StatusText(400, "sendrequest.number"), Verdict::Config),
    (When::Status(404), Verdict::Config), // the base URL is not the vendor's
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Option<Value>,
}

/// The fault of an answer that is a no, if it is one.
pub(super) fn of(answer: &Answer) -> Option<Fault> {
    let error = answer.read::<Refused>().unwrap_or_default().error;
    if answer.is_success() && error.is_none() {
        return None;
    }
    let code = error.as_ref().and_then(|error| word(error, "code"));
    let code = match answer.is_success() {
        true => code.or_else(|| Some("error".to_owned())),
        false => code,
    };
    Some(answer.refusal().code(code).fault(RULES))
}
