//! What goes with a mail for the vendor's statistics and events: tags and metadata.

use notify_core::channel::EmailMessage;
use notify_core::provider::Envelope;

use crate::http::metadata;

/// What comes back with the vendor's events: ours first, then the message's own under names that are still free.
pub(crate) fn metadata(envelope: &Envelope, mail: &EmailMessage) -> Vec<(String, String)> {
    let ours = metadata::of(envelope).into_iter();
    let mut pairs: Vec<(String, String)> =
        ours.map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, value) in &mail.metadata {
        if pairs.iter().all(|(other, _)| other != name) {
            pairs.push((name.clone(), value.clone()));
        }
    }
    pairs
}

/// The category and the message's tags, each once, the first `most`.
pub(crate) fn tags<'a>(
    envelope: &'a Envelope,
    mail: &'a EmailMessage,
    most: usize,
) -> Vec<&'a str> {
    let mut tags = vec![envelope.category.as_str()];
    for tag in &mail.tags {
        if !tags.contains(&tag.as_str()) {
            tags.push(tag);
        }
    }
    tags.truncate(most);
    tags
}

/// Metadata and tags for vendors that have one list of pairs for both, of ASCII letters, digits, `_` and `-`, up to 256 each: the
/// first `most`. Tags are `tag`, `tag_2` and so on, with `_` for every other character; metadata that does not fit is left out, since
/// another value would be a wrong one.
pub(crate) fn plain_pairs(
    envelope: &Envelope,
    mail: &EmailMessage,
    most: usize,
) -> Vec<(String, String)> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let fits = |text: &str| (1..=256).contains(&text.len()) && text.chars().all(is_plain);
    let mut pairs = metadata(envelope, mail);
    pairs.retain(|(name, value)| fits(name) && fits(value));
    for (no, tag) in mail.tags.iter().enumerate() {
        let plain = |c: char| if is_plain(c) { c } else { '_' };
        let value: String = tag.chars().map(plain).take(256).collect();
        let name = match no {
            0 => "tag".to_owned(),
            _ => format!("tag_{}", no + 1),
        };
        if !value.is_empty() && pairs.iter().all(|(other, _)| *other != name) {
            pairs.push((name, value));
        }
    }
    pairs.truncate(most);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use notify_core::{Address, CategoryId, Message};

    fn envelope() -> Envelope {
        let message = Message::new(EmailMessage::new("s", "t"));
        let mut envelope = Envelope::new("k", Address::email("a@example.com"), message);
        envelope.category = CategoryId::new("orders");
        envelope
    }

    #[test]
    fn nobody_takes_the_place_of_our_ids() {
        let mail = EmailMessage::new("s", "t")
            .with_metadata("order", "A 17")
            .with_metadata("delivery_id", "forged");
        let envelope = envelope();
        let pairs = metadata(&envelope, &mail);
        let id = envelope.delivery.to_string();
        assert_eq!(pairs[0], ("delivery_id".to_owned(), id));
        assert_eq!(pairs[4], ("order".to_owned(), "A 17".to_owned()));
        assert_eq!(pairs.len(), 5);
    }

    #[test]
    fn tags_are_said_once_and_no_more_than_fit() {
        let mail = EmailMessage::new("s", "t")
            .with_tag("orders")
            .with_tag("a")
            .with_tag("b");
        assert_eq!(tags(&envelope(), &mail, 2), ["orders", "a"]);
    }

    #[test]
    fn plain_pairs_hold_nothing_else() {
        let mail = EmailMessage::new("s", "t")
            .with_metadata("order", "A 17")
            .with_metadata("plain", "A-17")
            .with_tag("new order")
            .with_tag("b");
        let pairs = plain_pairs(&envelope(), &mail, 50);
        let rest: Vec<_> = pairs[4..]
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            rest,
            [("plain", "A-17"), ("tag", "new_order"), ("tag_2", "b")]
        );
        assert_eq!(plain_pairs(&envelope(), &mail, 5).len(), 5);
    }
}
