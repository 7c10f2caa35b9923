//! What somebody who answers a text message wants.

use notify_core::provider::ProviderEventKind;

/// The words that mean "no more": those of Twilio and Vonage, and what is usual in Russian.
const STOP: &[&str] = &[
    "CANCEL",
    "END",
    "OPTOUT",
    "QUIT",
    "REVOKE",
    "STOP",
    "STOPALL",
    "UNSUBSCRIBE",
    "ОТКАЗ",
    "ОТПИСАТЬСЯ",
    "СТОП",
];
const START: &[&str] = &["START", "UNSTOP", "YES", "СТАРТ"];

/// The kind of an incoming message. Only the word alone counts: "stop it, please" is for people to read.
pub(crate) fn answered(text: &str) -> ProviderEventKind {
    let word = text.trim().trim_end_matches(['.', '!']).to_uppercase();
    if STOP.contains(&word.as_str()) {
        ProviderEventKind::Unsubscribed
    } else if START.contains(&word.as_str()) {
        ProviderEventKind::Resubscribed
    } else {
        ProviderEventKind::Replied
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_word_ends_and_one_begins_again() {
        for (text, kind) in [
            (" stop\n", "unsubscribed"),
            ("Стоп!", "unsubscribed"),
            ("start", "resubscribed"),
            ("Stop it, please", "replied"),
            ("", "replied"),
        ] {
            assert_eq!(answered(text).as_str(), kind, "{text}");
        }
    }
}
