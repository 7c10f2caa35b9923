//! What SendGrid's refusals mean.

use notify_core::provider::{Envelope, Fault, Receipt};
use serde::Deserialize;
use std::collections::BTreeSet;

use crate::email::mail::Mail;
use crate::http::{Answer, Rule, Verdict, When};

/// All that does not go by its status. 401 is a wrong key or an account without credits, 403 a sender that is not verified: both are
/// for an operator.
const RULES: &[Rule] = &[
    (When::Code(DEAD_ADDRESS), Verdict::Recipient),
    (When::Code(FOREIGN_SENDER), Verdict::Request),
];

/// Our word for an address that the vendor will not send to.
const DEAD_ADDRESS: &str = "invalid_address";
/// Our word for a sender that came with the mail and that the account may not use.
const FOREIGN_SENDER: &str = "sender_not_verified";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Errors {
    errors: Vec<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    field: Option<String>,
    message: Option<String>,
}

impl Reason {
    /// The place in the batch of the mail whose address is at fault: `personalizations.17.to.0.email`.
    fn address_of(&self) -> Option<usize> {
        let rest = self.field.as_deref()?.strip_prefix("personalizations.")?;
        let (place, rest) = rest.split_once('.')?;
        let is_address = rest
            .strip_prefix("to.")
            .is_some_and(|to| to.ends_with("email"));
        let message = self.message.as_deref()?.to_ascii_lowercase();
        (is_address && message.contains("valid address"))
            .then(|| place.parse().ok())
            .flatten()
    }
}

/// The mails of a batch that the vendor refused for their address.
pub(super) fn refused_addresses(answer: &Answer, mails: usize) -> BTreeSet<usize> {
    if answer.status() != 400 {
        return BTreeSet::new();
    }
    let errors: Errors = answer.read().unwrap_or_default();
    let places = errors.errors.iter().filter_map(Reason::address_of);
    places.filter(|place| *place < mails).collect()
}

/// The fault of each mail of a call that was refused.
pub(super) fn each(
    answer: &Answer,
    batch: &[(&Envelope, Mail<'_>)],
) -> Vec<Result<Receipt, Fault>> {
    let refused = refused_addresses(answer, batch.len());
    let errors: Errors = answer.read().unwrap_or_default();
    let field = errors
        .errors
        .iter()
        .find_map(|reason| reason.field.as_deref());
    let fault = |no: usize, mail: &Mail<'_>| {
        let code = if refused.contains(&no) {
            Some(DEAD_ADDRESS)
        } else if answer.status() == 403 && mail.own_sender() {
            Some(FOREIGN_SENDER)
        } else {
            field
        };
        answer
            .refusal()
            .code(code)
            .wait(answer.wait_until("x-ratelimit-reset"))
            .fault(RULES)
    };
    let mails = batch.iter().enumerate();
    mails.map(|(no, (_, mail))| Err(fault(no, mail))).collect()
}
