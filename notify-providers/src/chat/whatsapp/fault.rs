//! What WhatsApp's codes mean: <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>.

use notify_core::provider::{Bounce, Fault, FaultKind, ProviderEventKind};
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

use Verdict::{Config, Provider, Recipient, Request, Wait};
use When::Code;

/// By code, of answers and of statuses. Meta asks to go by nothing else; what is not here goes by the status of the answer.
const RULES: &[Rule] = &[
    // The account and its token.
    (Code("0"), Config),      // authentication
    (Code("3"), Config),      // capability
    (Code("10"), Config),     // permission
    (Code("33"), Config),     // the account's number is gone
    (Code("190"), Config),    // the token has expired
    (Code("200"), Config),    // permission
    (Code("368"), Config),    // blocked for its policy
    (Code("131005"), Config), // permission
    (Code("131031"), Config), // locked
    (Code("131042"), Config), // payment
    (Code("131045"), Config), // the number is not registered
    (Code("133010"), Config), // the number is not registered
    // The person.
    (Code("131021"), Recipient), // it is our own number
    (Code("131026"), Recipient), // no WhatsApp, an old one, or its terms not accepted
    (Code("131030"), Recipient), // not on the list of a test number
    (Code("131050"), Recipient), // wants no marketing
    // The message.
    (Code("100"), Request),    // a parameter
    (Code("130472"), Request), // left out for an experiment
    (Code("131008"), Request), // a parameter is missing
    (Code("131009"), Request), // a parameter is wrong
    (Code("131047"), Request), // more than 24 hours since the person wrote
    (Code("131049"), Request), // enough marketing for this person
    (Code("131051"), Request), // a type that is not supported
    (Code("132000"), Request), // the template has other places
    (Code("132001"), Request), // no such template
    (Code("132005"), Request), // the template is too long when filled
    (Code("132007"), Request), // the template is against the policy
    (Code("132012"), Request), // a place has another form
    (Code("132015"), Request), // the template is paused
    (Code("132016"), Request), // the template is switched off
    // Patience: Meta says by how much in no answer, and asks for powers of four.
    (Code("4"), Wait(4)),       // calls of the app
    (Code("80007"), Wait(4)),   // calls of the account
    (Code("130429"), Wait(4)),  // messages
    (Code("131048"), Wait(64)), // reported as spam
    (Code("131056"), Wait(16)), // messages to this person
    (Code("133016"), Wait(64)), // registrations
    // Meta.
    (Code("1"), Provider),
    (Code("2"), Provider),
    (Code("131000"), Provider),
    (Code("131016"), Provider),
];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    error: Reason,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    code: Option<u32>,
}

/// The fault of an answer that is a no.
pub(super) fn of(answer: &Answer) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    answer.refusal().code(refused.error.code).fault(RULES)
}

/// The fault of the code of a status; what no row knows is the request's.
pub(super) fn of_code(code: u64) -> Fault {
    let code = code.to_string();
    let row = RULES
        .iter()
        .find(|(when, _)| matches!(when, Code(known) if *known == code));
    let kind = match row.map(|(_, verdict)| verdict) {
        Some(Config) => FaultKind::Config,
        Some(Provider | Wait(_)) => FaultKind::Provider { retry_after: None },
        Some(Recipient) => FaultKind::Recipient,
        _ => FaultKind::Request,
    };
    Fault::new(kind, code)
}

/// What a failure says about the number.
pub(super) fn came_back(fault: &Fault) -> ProviderEventKind {
    match (fault.kind(), fault.code()) {
        (_, "131050") => ProviderEventKind::bounced(Bounce::Suppressed),
        (FaultKind::Recipient, _) => ProviderEventKind::bounced(Bounce::Hard),
        _ => ProviderEventKind::Failed,
    }
}
