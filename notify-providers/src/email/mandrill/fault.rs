//! What Mandrill's answers mean.

use notify_core::provider::{Fault, Receipt};
use serde::Deserialize;

use crate::http::{Answer, Rule, Verdict, When};

/// The names of errors; all of them come with the status 500.
const RULES: &[Rule] = &[
    (When::Code("Invalid_Key"), Verdict::Config),
    (When::Code("PaymentRequired"), Verdict::Config),
    (When::Code("Unknown_Subaccount"), Verdict::Config),
    (When::Code("Unknown_Template"), Verdict::Request),
    (When::Code("ValidationError"), Verdict::Request),
    (When::Code("GeneralError"), Verdict::Provider),
    (When::Code("ServiceUnavailable"), Verdict::Provider),
    // Not the interface of the vendor.
    (When::Status(404), Verdict::Config),
    (When::Status(405), Verdict::Config),
];

/// The reasons of a mail that was rejected, under the status 200.
const REASONS: &[Rule] = &[
    // On the account's deny list, after a bounce, a complaint, an unsubscription or by hand; or no address at all.
    (When::Code("custom"), Verdict::Recipient),
    (When::Code("hard-bounce"), Verdict::Recipient),
    (When::Code("invalid"), Verdict::Recipient),
    (When::Code("spam"), Verdict::Recipient),
    (When::Code("unsub"), Verdict::Recipient),
    // On it for a while.
    (When::Code("soft-bounce"), Verdict::Provider),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
    (When::Code("invalid-sender"), Verdict::Config),
    (When::Code("test-mode-limit"), Verdict::Config),
    (When::Code("unsigned"), Verdict::Config),
    // A rule of the account.
    (When::Code("rule"), Verdict::Request),
];

/// Our word for a sender that came with the mail and that the account may not use.
const FOREIGN_SENDER: &str = "sender_not_allowed";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refused {
    name: Option<String>,
}

/// The fault of a call that was refused.
pub(super) fn of(answer: &Answer) -> Fault {
    let refused: Refused = answer.read().unwrap_or_default();
    answer.refusal().code(refused.name).fault(RULES)
}

/// What became of one reader's mail.
#[derive(Deserialize)]
pub(super) struct Outcome {
    status: String,
    #[serde(default)]
    reject_reason: Option<String>,
    #[serde(default, rename = "_id")]
    id: Option<String>,
}

impl Outcome {
    /// The result of a mail whose call was answered by 200.
    pub(super) fn result(self, answer: &Answer, own_sender: bool) -> Result<Receipt, Fault> {
        let reason = match self.status.as_str() {
            "queued" | "scheduled" | "sent" => {
                let id = self.id.filter(|id| !id.is_empty());
                return Ok(id.map_or_else(Receipt::new, Receipt::with_message_id));
            }
            "invalid" => "invalid",
            "rejected" => match self.reject_reason.as_deref() {
                Some("invalid-sender" | "unsigned") if own_sender => FOREIGN_SENDER,
                Some(reason) if !reason.is_empty() => reason,
                _ => "rejected",
            },
            // The vendor has taken the call, and says something else of the mail.
            _ => return Err(Fault::unknown("answer")),
        };
        Err(answer.refusal().code(Some(reason)).fault(REASONS))
    }
}
