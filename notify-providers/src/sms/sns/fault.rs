//! What the refusals of SNS mean: <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors>, and those of all
//! services of AWS: <https://docs.aws.amazon.com/sns/latest/api/CommonErrors.html>.

use notify_core::provider::Fault;

use super::element;
use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Config, Provider, Recipient};
use When::{Code, StatusText};

/// All that does not go by its status. SNS says `InvalidParameter` for all that may be wrong in a request; only its words tell
/// what.
const RULES: &[Rule] = &[
    (Code("OptedOut"), Recipient),
    (StatusText(400, "opted out"), Recipient),
    (StatusText(400, "invalid parameter: phonenumber"), Recipient),
    (Code("IncompleteSignature"), Config),
    (Code("NotFound"), Config),
    (Code("RequestExpired"), Config), // the clock
    (Code("KMSThrottling"), Provider),
    (Code("RequestLimitExceeded"), Provider),
    (Code("Throttled"), Provider),
    (Code("ThrottledException"), Provider),
    (Code("Throttling"), Provider),
    (Code("ThrottlingException"), Provider),
];

/// The fault of an answer that is a no.
pub(super) fn of(answer: &Answer) -> Fault {
    let text = answer.text();
    answer.refusal().code(element(&text, "Code")).fault(RULES)
}
