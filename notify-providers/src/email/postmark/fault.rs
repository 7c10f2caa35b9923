//! What Postmark's answers mean: <https://postmarkapp.com/developer/api/overview#error-codes>.

use notify_core::provider::{Fault, Receipt};
use serde::Deserialize;

use crate::email::mail::Mail;
use crate::http::{Answer, Rule, Verdict, When};

/// All that does not go by its status. Each mail of a batch has such a code, under the status 200 of the call.
const RULES: &[Rule] = &[
    // Inactive after a bounce, a complaint or by hand.
    (When::Code("406"), Verdict::Recipient),
    (When::Code(INVALID_TO), Verdict::Recipient),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
    // The token is wrong; the sender is not known, or not confirmed.
    (When::Code("10"), Verdict::Config),
    (When::Code("400"), Verdict::Config),
    (When::Code("401"), Verdict::Config),
    // Out of credits; the account is not approved; it may not send.
    (When::Code("405"), Verdict::Config),
    (When::Code("412"), Verdict::Config),
    (When::Code("413"), Verdict::Config),
    // There is no such message stream.
    (When::Code("1235"), Verdict::Config),
    (When::Code("100"), Verdict::Provider),
    (When::Code("429"), Verdict::Provider),
];

/// Our word for an address that Postmark says is none (300).
const INVALID_TO: &str = "invalid_to";
/// Our word for a sender that came with the mail and that the account may not use.
const FOREIGN_SENDER: &str = "sender_not_verified";

/// What Postmark says to one mail.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Outcome {
    /// Left out where Postmark is behind and takes the mail all the same.
    error_code: i64,
    message: String,
    #[serde(rename = "MessageID")]
    message_id: String,
}

impl Outcome {
    /// The result of a mail whose call was answered by 200.
    pub(super) fn result(self, answer: &Answer, mail: &Mail<'_>) -> Result<Receipt, Fault> {
        if self.error_code != 0 {
            return Err(of(answer, self, mail));
        }
        if self.message_id.is_empty() {
            return Err(Fault::unknown("answer"));
        }
        Ok(Receipt::with_message_id(self.message_id))
    }

    /// Whether the recipient is what Postmark did not like: "Invalid 'To' address", "Error parsing 'To'".
    fn blames_recipient(&self) -> bool {
        let words = self.message.to_ascii_lowercase();
        ["invalid 'to'", "error parsing 'to'"]
            .iter()
            .any(|start| words.starts_with(start))
    }
}

/// The fault of a mail that was refused.
pub(super) fn of(answer: &Answer, outcome: Outcome, mail: &Mail<'_>) -> Fault {
    let code = match outcome.error_code {
        0 => None,
        300 if outcome.blames_recipient() => Some(INVALID_TO.to_owned()),
        400 | 401 if mail.own_sender() => Some(FOREIGN_SENDER.to_owned()),
        code => Some(code.to_string()),
    };
    answer.refusal().code(code).fault(RULES)
}

/// The result of each mail of a call.
pub(super) fn each(answer: &Answer, mails: &[&Mail<'_>]) -> Vec<Result<Receipt, Fault>> {
    if !answer.is_success() {
        // Its code is one of the whole call, such as that of a wrong token.
        let fault = |mail: &&Mail<'_>| Err(of(answer, answer.read().unwrap_or_default(), mail));
        return mails.iter().map(fault).collect();
    }
    match answer.json::<Vec<Outcome>>() {
        Ok(outcomes) => {
            let pairs = outcomes.into_iter().zip(mails);
            pairs
                .map(|(outcome, mail)| outcome.result(answer, mail))
                .collect()
        }
        Err(fault) => vec![Err(fault); mails.len()],
    }
}
