//! Several text messages in one call.

use notify_core::channel::SmsMessage;
use notify_core::message::Message;
use notify_core::provider::{Envelope, Fault, FaultKind, Receipt};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::text::Text;
use crate::signature::encoding::sha256_hex;

/// One message of a call.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) envelope: &'a Envelope,
    pub(crate) text: Text<'a>,
}

/// The messages of one call, with their places in the batch.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) places: Vec<usize>,
    pub(crate) parts: Vec<Part<'a>>,
}

/// What the messages of a call have in common besides sender and validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Common {
    /// Nothing: each has a text of its own.
    Nothing,
    /// The text.
    Text,
}

/// The key by which a worker puts messages together that may share a call.
pub(crate) fn key(message: &Message, common: Common) -> Option<u64> {
    let message = message.body::<SmsMessage>().ok()?;
    let mut hash = DefaultHasher::new();
    (&message.sender, message.validity).hash(&mut hash);
    if common == Common::Text {
        message.text.hash(&mut hash);
    }
    Some(hash.finish())
}

/// The calls for a batch: up to `max` messages each, no number twice in one, because vendors answer by number. The results are
/// there for what cannot be sent, and wait for the calls for all else.
pub(crate) fn groups<'a>(
    batch: &'a [Envelope],
    max: usize,
    common: Common,
    text: impl Fn(&'a Envelope) -> Result<Text<'a>, Fault>,
) -> (Vec<Result<Receipt, Fault>>, Vec<Group<'a>>) {
    let mut results = Vec::with_capacity(batch.len());
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (place, envelope) in batch.iter().enumerate() {
        let text = match text(envelope) {
            Ok(text) => text,
            Err(fault) => {
                results.push(Err(fault));
                continue;
            }
        };
        results.push(Err(Fault::unknown("short_answer")));
        let fits = |group: &Group<'a>| {
            let parts = &group.parts;
            parts.len() < max
                && parts.iter().all(|part| part.text.to != text.to)
                && (parts.iter().take(1)).all(|part| is_same(&part.text, &text, common))
        };
        let found = groups.iter().position(fits);
        let part = Part { envelope, text };
        match found.and_then(|no| groups.get_mut(no)) {
            Some(group) => {
                group.places.push(place);
                group.parts.push(part);
            }
            None => groups.push(Group {
                places: vec![place],
                parts: vec![part],
            }),
        }
    }
    (results, groups)
}

fn is_same(one: &Text<'_>, other: &Text<'_>, common: Common) -> bool {
    (&one.message.sender, one.message.validity) == (&other.message.sender, other.message.validity)
        && (common == Common::Nothing || one.fitted.text == other.fitted.text)
}

/// Puts the results of a call where they belong.
pub(crate) fn put(
    results: &mut [Result<Receipt, Fault>],
    places: &[usize],
    answers: Vec<Result<Receipt, Fault>>,
) {
    for (place, answer) in places.iter().zip(answers) {
        if let Some(result) = results.get_mut(*place) {
            *result = answer;
        }
    }
}

/// Whether a call for several messages was refused for a number without saying which: then each is asked for by itself, for a good
/// number must not be taken for a dead one.
pub(crate) fn blames_all(answers: &[Result<Receipt, Fault>]) -> bool {
    let dead = |answer: &Result<Receipt, Fault>| matches!(answer, Err(fault) if fault.kind() == FaultKind::Recipient);
    answers.len() > 1 && answers.iter().all(dead)
}

/// An id for one number of a call whose vendor gives one id for all: the vendor's, and a hash that tells the numbers apart without
/// showing them.
pub(crate) fn part_id(id: &str, digits: &str) -> String {
    let digits = digits.trim_start_matches('+');
    let mut hash = sha256_hex(format!("{id}:{digits}").as_bytes());
    hash.truncate(12);
    format!("{id}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::Address;

    fn envelope(to: &str, text: &str) -> Envelope {
        let message = Message::new(SmsMessage::new(text));
        Envelope::new("key", Address::phone(to), message)
    }

    fn places(batch: &[Envelope], max: usize, common: Common) -> Vec<Vec<usize>> {
        let (_, groups) = groups(batch, max, common, |envelope| Text::of(envelope, None));
        groups.into_iter().map(|group| group.places).collect()
    }

    #[test]
    fn a_number_comes_once_in_a_call_and_texts_are_shared_where_they_must() {
        let batch = [
            envelope("+79990000001", "a"),
            envelope("+79990000002", "a"),
            envelope("+79990000001", "a"),
            envelope("+79990000003", "b"),
        ];
        let nothing = places(&batch, 100, Common::Nothing);
        assert_eq!(nothing, [vec![0, 1, 3], vec![2]]);
        let text = places(&batch, 100, Common::Text);
        assert_eq!(text, [vec![0, 1], vec![2], vec![3]]);
        assert_eq!(places(&batch, 1, Common::Text).len(), 4);
    }

    #[test]
    fn what_cannot_be_sent_is_in_no_call_and_keeps_its_place() {
        let batch = [envelope("+79990000001", " "), envelope("+79990000002", "a")];
        let (mut results, groups) =
            groups(&batch, 9, Common::Text, |envelope| Text::of(envelope, None));
        assert_eq!(results[0], Err(Fault::request("no_body")));
        assert_eq!(results[1], Err(Fault::unknown("short_answer")));
        put(&mut results, &groups[0].places, vec![Ok(Receipt::new())]);
        assert_eq!(results[1], Ok(Receipt::new()));
    }

    #[test]
    fn the_numbers_of_a_call_have_different_ids_that_do_not_show_them() {
        let one = part_id("1234", "79990000001");
        assert!(one.starts_with("1234-") && one.len() == 17, "{one}");
        assert_eq!(one, part_id("1234", "+79990000001"));
        assert_ne!(one, part_id("1234", "79990000002"));
        assert_ne!(one, part_id("1235", "79990000001"));
    }

    #[test]
    fn only_a_refusal_of_all_numbers_blames_all() {
        let dead = || Err(Fault::recipient("7"));
        assert!(blames_all(&[dead(), dead()]));
        assert!(!blames_all(&[dead()]));
        assert!(!blames_all(&[dead(), Ok(Receipt::new())]));
        assert!(!blames_all(&[
            Err(Fault::request("6")),
            Err(Fault::request("6"))
        ]));
    }
}
