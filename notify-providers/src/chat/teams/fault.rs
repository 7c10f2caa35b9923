//! What the answers of workflows mean. Microsoft has no list of them; these are the words of its own error messages.

use notify_core::provider::Fault;
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Provider, Recipient, Wait};
use When::Code;

/// All that does not go by its status. A URL whose secret is wrong is a dead one, and no reason to stop all others.
const RULES: &[Rule] = &[
    // Retired connectors, which say no with status 200.
    (When::StatusText(200, "http error 429"), Wait(60)),
    (Code(CONNECTOR_FAILED), Provider),
    (Code("AuthorizationFailed"), Recipient),
    (Code("DirectApiAuthorizationRequired"), Recipient),
    (Code("DirectApiInvalidAuthorizationScheme"), Recipient),
    (Code("TriggerNotFound"), Recipient),
    (Code("WorkflowNotFound"), Recipient),
    (Code("WorkflowTriggerIsNotEnabled"), Recipient),
    (Code("WorkflowTriggerNotFound"), Recipient),
    (When::Status(410), Recipient),
];

/// Our word for a retired connector's text.
const CONNECTOR_FAILED: &str = "delivery_failed";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: Option<String>,
}

/// Whether the status of a yes comes with the words of a no. Any other body is a workflow's own.
pub(super) fn is_no(answer: &Answer) -> bool {
    let words = "webhook message delivery failed";
    answer.text().to_ascii_lowercase().contains(words)
}

/// The fault of a no.
pub(super) fn of(answer: &Answer) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    let code = match refused.error.code {
        None if answer.is_success() => Some(CONNECTOR_FAILED.to_owned()),
        code => code,
    };
    answer.refusal().code(code).fault(RULES)
}
