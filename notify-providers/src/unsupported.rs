//! What a message asks for and a vendor cannot do.

use notify_core::provider::Fault;

/// A request fault for a feature of a message that this vendor does not have, given before any call: `unsupported:send_at`.
///
/// Refused is what a person would miss or the law forbids to leave out: a later time, an attachment, a button to unsubscribe.
/// Hints are dropped without a word: tags, metadata, a badge.
pub(crate) fn unsupported(feature: &'static str) -> Fault {
    Fault::request(format!("unsupported:{feature}"))
}
