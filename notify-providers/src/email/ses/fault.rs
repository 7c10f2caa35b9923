//! What the refusals of SES mean.

use notify_core::provider::Fault;
use serde_json::Value;

use crate::http::{Answer, Rule, Verdict, When};

/// All that does not go by its status.
const RULES: &[Rule] = &[
    (When::Code(DEAD_ADDRESS), Verdict::Recipient),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
    (When::Code(DAILY_QUOTA), Verdict::Wait(AN_HOUR)),
    (When::Code("TooManyRequestsException"), Verdict::Provider),
    (When::Code("ThrottlingException"), Verdict::Provider),
    (When::Code("Throttling"), Verdict::Provider),
    (When::Code("AccountSuspendedException"), Verdict::Config),
    (When::Code("LimitExceededException"), Verdict::Config),
    (
        When::Code("MailFromDomainNotVerifiedException"),
        Verdict::Config,
    ),
    (When::Code("NotFoundException"), Verdict::Config),
    (When::Code("SendingPausedException"), Verdict::Config),
    (When::Code(UNVERIFIED), Verdict::Config),
    // Signatures and credentials: not all of AWS answers 403 to them.
    (When::Code("AccessDeniedException"), Verdict::Config),
    (When::Code("ExpiredTokenException"), Verdict::Config),
    (When::Code("IncompleteSignature"), Verdict::Config),
    (When::Code("InvalidSignatureException"), Verdict::Config),
    (When::Code("MissingAuthenticationToken"), Verdict::Config),
    (When::Code("UnrecognizedClientException"), Verdict::Config),
];

/// The same for the mails of a bulk call, under its status 200.
const ENTRY_RULES: &[Rule] = &[
    (When::Code(DEAD_ADDRESS), Verdict::Recipient),
    (
        When::Code("ACCOUNT_DAILY_QUOTA_EXCEEDED"),
        Verdict::Wait(AN_HOUR),
    ),
    (When::Code("ACCOUNT_THROTTLED"), Verdict::Provider),
    (When::Code("FAILED"), Verdict::Provider),
    (When::Code("TRANSIENT_FAILURE"), Verdict::Provider),
    (When::Code("ACCOUNT_SENDING_PAUSED"), Verdict::Config),
    (When::Code("ACCOUNT_SUSPENDED"), Verdict::Config),
    (When::Code("CONFIGURATION_SET_NOT_FOUND"), Verdict::Config),
    (
        When::Code("CONFIGURATION_SET_SENDING_PAUSED"),
        Verdict::Config,
    ),
    (When::Code("INVALID_SENDING_POOL_NAME"), Verdict::Config),
    (When::Code("MAIL_FROM_DOMAIN_NOT_VERIFIED"), Verdict::Config),
    (When::Code("TEMPLATE_NOT_FOUND"), Verdict::Config),
];

/// The quota is one of the last 24 hours: some of it is free again all the time.
const AN_HOUR: u32 = 3_600;
/// Our word for an address that SES does not read as one.
const DEAD_ADDRESS: &str = "invalid_address";
/// Our word for the quota of a day, which comes under several names.
const DAILY_QUOTA: &str = "daily_quota";
/// Our word for a sender that came with the mail and that the account may not use.
const FOREIGN_SENDER: &str = "sender_not_verified";
/// Our word for a sender of the configuration that the account may not use, or an account that may only write to itself.
const UNVERIFIED: &str = "identity_not_verified";

/// What SES says about an address that it does not read.
const ADDRESS_WORDS: &[&str] = &[
    "domain contains",
    "domain ends with dot",
    "domain starts with dot",
    "local address contains",
    "local address ends with dot",
    "local address starts with dot",
    "missing final '@domain'",
    "missing '@domain'",
    "user name is missing",
];

/// The fault of a mail that was refused. The sender of the configuration was checked when the provider was built.
pub(super) fn of(answer: &Answer, own_sender: bool) -> Fault {
    let (kind, words) = read(answer);
    let code = match kind.as_deref() {
        Some("BadRequestException" | "InvalidParameterValue")
            if !own_sender && blames_address(&words) =>
        {
            Some(DEAD_ADDRESS.to_owned())
        }
        _ => named(kind, &words, own_sender),
    };
    answer.refusal().code(code).fault(RULES)
}

/// The same of a whole bulk call, which does not say whose address it was: nobody's, then.
pub(super) fn of_bulk(answer: &Answer, own_sender: bool) -> Fault {
    let (kind, words) = read(answer);
    let code = named(kind, &words, own_sender);
    answer.refusal().code(code).fault(RULES)
}

/// The fault of one mail of a bulk call.
pub(super) fn of_entry(answer: &Answer, status: &str, error: Option<&str>) -> Fault {
    let words = error.unwrap_or_default().to_ascii_lowercase();
    let code = match status {
        "INVALID_PARAMETER" if blames_address(&words) => DEAD_ADDRESS,
        other => other,
    };
    answer.refusal().code(Some(code)).fault(ENTRY_RULES)
}

fn named(kind: Option<String>, words: &str, own_sender: bool) -> Option<String> {
    let ours = match kind.as_deref() {
        Some(
            "LimitExceededException"
            | "Throttling"
            | "ThrottlingException"
            | "TooManyRequestsException",
        ) if words.contains("daily") => DAILY_QUOTA,
        Some("MessageRejected") if words.contains("not verified") && own_sender => FOREIGN_SENDER,
        Some("MessageRejected") if words.contains("not verified") => UNVERIFIED,
        Some("MailFromDomainNotVerifiedException") if own_sender => FOREIGN_SENDER,
        _ => return kind,
    };
    Some(ours.to_owned())
}

fn blames_address(words: &str) -> bool {
    ADDRESS_WORDS.iter().any(|phrase| words.contains(phrase))
}

/// The name of the exception, without its namespace and address, and the words in lower case.
fn read(answer: &Answer) -> (Option<String>, String) {
    let body: Value = answer.read().unwrap_or_default();
    let field = |names: [&str; 2]| {
        let mut found = names
            .into_iter()
            .filter_map(|name| body.get(name)?.as_str());
        found.next()
    };
    let kind = answer
        .header("x-amzn-errortype")
        .or_else(|| field(["__type", "code"]));
    let kind = kind.map(|kind| {
        let kind = kind.split(':').next().unwrap_or_default();
        kind.rsplit('#').next().unwrap_or_default().to_owned()
    });
    let words = field(["message", "Message"]).unwrap_or_default();
    (kind, words.to_ascii_lowercase())
}
