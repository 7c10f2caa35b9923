//! What Mailgun's refusals mean.

use notify_core::provider::Fault;
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

/// All that does not go by its status. Mailgun has no codes, only words.
const RULES: &[Rule] = &[
    (When::Code(INVALID_TO), Verdict::Recipient),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
    // The domain is not the account's, or is in the other region.
    (When::Status(404), Verdict::Config),
    // A sandbox domain or a free account, which sends to authorised recipients only.
    (
        When::StatusText(400, "free accounts are for test purposes only"),
        Verdict::Config,
    ),
    (
        When::StatusText(400, "sandbox subdomains are for test purposes only"),
        Verdict::Config,
    ),
];

/// Our word for an address that Mailgun says is none.
const INVALID_TO: &str = "invalid_to";
/// Our word for a sender that came with the mail and that the account may not use.
const FOREIGN_SENDER: &str = "sender_not_allowed";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    message: String,
}

/// The fault of a call that was refused.
pub(super) fn of(answer: &Answer, own_sender: bool) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let words = refused.message.to_ascii_lowercase().replace('\'', "");
    let code = match answer.status() {
        400 if words.starts_with("to parameter is not a valid address") => Some(INVALID_TO),
        400 | 403 if own_sender && words.contains("from") && words.contains("not") => {
            Some(FOREIGN_SENDER)
        }
        _ => None,
    };
    let refusal = answer.refusal().code(code);
    let refusal = match reset_in(answer) {
        Some(seconds) if answer.status() == 429 => refusal.wait_seconds(Some(seconds)),
        _ => refusal,
    };
    refusal.fault(RULES)
}

/// In how many seconds the limit ends, by `X-RateLimit-Reset`: a time in seconds since 1970, or in milliseconds.
fn reset_in(answer: &Answer) -> Option<f64> {
    let reset: f64 = answer.header("x-ratelimit-reset")?.trim().parse().ok()?;
    let reset = if reset > 1e11 { reset / 1_000.0 } else { reset };
    #[expect(
        clippy::cast_precision_loss,
        reason = "a time to the microsecond is more than a wait needs"
    )]
    let now = answer.received_at().as_micros() as f64 / 1e6;
    Some(reset - now)
}
