//! What Brevo's refusals mean: <https://developers.brevo.com/docs/how-it-works#error-codes>.

use notify_core::provider::Fault;
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

/// All that does not go by its status.
const RULES: &[Rule] = &[
    (When::Code(INVALID_TO), Verdict::Recipient),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
    (When::Code(UNKNOWN_SENDER), Verdict::Config),
    (When::Code("account_under_validation"), Verdict::Config),
    (When::Code("not_enough_credits"), Verdict::Config),
    (When::Code("permission_denied"), Verdict::Config),
    (When::Code("unauthorized"), Verdict::Config),
    // The key has been seen: the first call may have been taken.
    (When::Code("duplicate_request"), Verdict::Unknown),
    // Not the interface of the vendor.
    (When::Status(404), Verdict::Config),
    (When::Status(405), Verdict::Config),
];

/// Our word for an address that Brevo says is none.
const INVALID_TO: &str = "invalid_to";
/// Our words for a sender that the account may not use: one that came with the mail, and one of the configuration.
const FOREIGN_SENDER: &str = "sender_not_allowed";
const UNKNOWN_SENDER: &str = "sender_not_valid";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    code: Option<String>,
    message: String,
}

/// The fault of a call that was refused.
pub(super) fn of(answer: &Answer, own_sender: bool) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let words = refused.message.to_ascii_lowercase();
    let name = refused.code.as_deref();
    let code = match name {
        Some("invalid_parameter") if words.contains("email is not valid in to") => Some(INVALID_TO),
        Some("invalid_parameter") if words.contains("sender") && own_sender => Some(FOREIGN_SENDER),
        Some("invalid_parameter") if words.contains("sender") => Some(UNKNOWN_SENDER),
        _ => name,
    };
    let reset = match answer.status() {
        429 => answer
            .retry_after()
            .or_else(|| answer.wait_seconds("x-sib-ratelimit-reset")),
        _ => None,
    };
    answer.refusal().code(code).wait(reset).fault(RULES)
}
