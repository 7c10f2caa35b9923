//! What the refusals of push services mean.

use notify_core::provider::Fault;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};

/// The protocol has no codes, so here the status speaks (RFC 8030 §5, §7.3, §8.4): the URL belongs to one subscription.
const RULES: &[Rule] = &[
    (When::Code(MISMATCH), Verdict::Request),
    (When::Status(404), Verdict::Recipient),
    (When::Status(410), Verdict::Recipient),
    // Windows' word for too much.
    (When::Status(406), Verdict::Wait(60)),
];

/// Our word for a subscription that was made with another VAPID key. It is no fault of configuration, which would stop all others, and
/// none of the recipient: if the wrong key was put in, all subscriptions would be lost.
const MISMATCH: &str = "vapid_mismatch";
/// What Google, its service of old and Apple say then.
const MISMATCHES: &[&str] = &[
    "do not correspond to the credentials used to create the subscription",
    "does not correspond to the sender id",
    "mismatchsenderid",
    "vapidpkhashmismatch",
];

/// The fault of a message that was refused.
pub(super) fn of(answer: &Answer) -> Fault {
    let text = answer.text().to_lowercase();
    let is_mismatch =
        matches!(answer.status(), 400..=403) && MISMATCHES.iter().any(|words| text.contains(words));
    let code = if is_mismatch {
        Some(MISMATCH.to_owned())
    } else {
        code(answer)
    };
    answer.refusal().code(code).fault(RULES)
}

/// Mozilla's `errno`, or Apple's `reason`.
fn code(answer: &Answer) -> Option<String> {
    let body: Value = answer.read()?;
    let errno = body.get("errno").and_then(Value::as_u64);
    let reason = body.get("reason").and_then(Value::as_str);
    errno
        .map(|errno| format!("errno_{errno}"))
        .or_else(|| reason.map(str::to_owned))
}
