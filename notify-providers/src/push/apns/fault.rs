//! What Apple's refusals mean.

use notify_core::provider::Fault;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};

/// By `reason`; those that are not here, and new ones, go by the status: 400 and 413 are the message's, 403 is for an operator, 429 and
/// 5xx are Apple's.
const RULES: &[Rule] = &[
    // A device of the sandbox at the production server, or the other way round, reads the same.
    (When::Code("BadDeviceToken"), Verdict::Recipient),
    (When::Code("DeviceTokenNotForTopic"), Verdict::Recipient),
    (When::Code("ExpiredToken"), Verdict::Recipient),
    (When::Code("Unregistered"), Verdict::Recipient),
    // The topic is the provider's.
    (When::Code("BadTopic"), Verdict::Config),
    (When::Code("MissingTopic"), Verdict::Config),
    (When::Code("TopicDisallowed"), Verdict::Config),
    // The server is none of Apple's.
    (When::Code("BadPath"), Verdict::Config),
    (When::Code("MethodNotAllowed"), Verdict::Config),
    // It was made anew already, or it is young: a clock is wrong.
    (When::Code(EXPIRED), Verdict::Config),
    // The connection was.
    (When::Code("IdleTimeout"), Verdict::Provider),
];

const EXPIRED: &str = "ExpiredProviderToken";

/// Apple's word, if there is one. The set is open.
fn reason(answer: &Answer) -> Option<String> {
    let body: Value = answer.read()?;
    Some(body.get("reason")?.as_str()?.to_owned())
}

/// The fault of a message that was refused.
pub(super) fn of(answer: &Answer) -> Fault {
    answer.refusal().code(reason(answer)).fault(RULES)
}

/// Whether the provider's token was too old.
pub(super) fn is_token_expired(answer: &Answer) -> bool {
    answer.status() == 403 && reason(answer).as_deref() == Some(EXPIRED)
}
