//! What Resend's refusals mean: <https://resend.com/docs/api-reference/errors>.

use notify_core::provider::Fault;
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

/// All that does not go by its status. 401 is a key that is missing or wrong, 403 a key or a domain that may not.
const RULES: &[Rule] = &[
    (When::Code(INVALID_TO), Verdict::Recipient),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
    (When::Code("invalid_from_address"), Verdict::Config),
    (When::Code("invalid_api_key"), Verdict::Config),
    (When::Code("missing_api_key"), Verdict::Config),
    (When::Code("restricted_api_key"), Verdict::Config),
    // The first call under this key is still under way.
    (
        When::Code("concurrent_idempotent_requests"),
        Verdict::Provider,
    ),
    (When::Code("invalid_idempotent_request"), Verdict::Request),
    (When::Code("daily_quota_exceeded"), Verdict::Wait(3_600)),
    (When::Code("monthly_quota_exceeded"), Verdict::Config),
    // Not the interface of the vendor.
    (When::Status(404), Verdict::Config),
    (When::Status(405), Verdict::Config),
];

/// Our word for an address that Resend says is none.
const INVALID_TO: &str = "invalid_to";
/// Our word for a sender that came with the mail and that the account may not use.
const FOREIGN_SENDER: &str = "sender_not_verified";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    name: Option<String>,
    message: String,
}

/// The fault of a call that was refused.
pub(super) fn of(answer: &Answer, own_sender: bool) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let words = refused.message.to_ascii_lowercase();
    let name = refused.name.as_deref();
    let code = match (answer.status(), name) {
        (400 | 422, Some("validation_error")) if words.contains("`to` field") => Some(INVALID_TO),
        (403, Some("validation_error")) | (422, Some("invalid_from_address")) if own_sender => {
            Some(FOREIGN_SENDER)
        }
        _ => name,
    };
    let reset = match answer.status() {
        429 => answer
            .retry_after()
            .or_else(|| answer.wait_seconds("ratelimit-reset")),
        _ => None,
    };
    answer.refusal().code(code).wait(reset).fault(RULES)
}
