//! A mailbox as vendors want it written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use notify_core::channel::Mailbox;

/// `Name <address>` (RFC 5322 §3.4), the name in quotation marks where it needs them, and not encoded: for vendors that encode it
/// themselves.
pub(crate) fn quoted(mailbox: &Mailbox) -> String {
    let name = mailbox.name.trim();
    if name.is_empty() {
        return mailbox.email.clone();
    }
    if name.chars().any(is_special) {
        let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\" <{}>", mailbox.email);
    }
    format!("{name} <{}>", mailbox.email)
}

/// The same for vendors that take no quotation marks: without the characters that would need them.
pub(crate) fn bare(mailbox: &Mailbox) -> String {
    let words = mailbox.name.split(is_special);
    let words: Vec<_> = words.flat_map(str::split_whitespace).collect();
    if words.is_empty() {
        return mailbox.email.clone();
    }
    format!("{} <{}>", words.join(" "), mailbox.email)
}

/// The same in ASCII: a name with other characters in encoded words.
pub(crate) fn ascii(mailbox: &Mailbox) -> String {
    if mailbox.name.is_ascii() {
        return quoted(mailbox);
    }
    format!("{} <{}>", encoded(mailbox.name.trim()), mailbox.email)
}

/// Text of a header in ASCII: as it is, or in encoded words (RFC 2047 §2) of at most 75 characters, none of which ends within a
/// character.
pub(crate) fn encoded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    // 45 bytes are 60 characters of base64, and 12 stand around them.
    const MOST: usize = 45;
    let (mut words, mut word) = (Vec::new(), String::new());
    for c in text.chars() {
        if word.len() + c.len_utf8() > MOST {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let words = words.iter();
    let words: Vec<_> = words
        .map(|word| format!("=?UTF-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    words.join(" ")
}

/// What stands in a name only between quotation marks (RFC 5322 §3.2.3).
fn is_special(c: char) -> bool {
    "()<>[]:;@\\,.\"".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Mailbox {
        Mailbox::new(name, "a@example.com").expect("a mailbox")
    }

    #[test]
    fn a_name_is_written_as_each_vendor_takes_it() {
        for (name, quoted_form, bare_form, ascii_form) in [
            ("", "a@example.com", "a@example.com", "a@example.com"),
            (
                "Ada",
                "Ada <a@example.com>",
                "Ada <a@example.com>",
                "Ada <a@example.com>",
            ),
            (
                "Doe, \"A\\B\"",
                "\"Doe, \\\"A\\\\B\\\"\" <a@example.com>",
                "Doe A B <a@example.com>",
                "\"Doe, \\\"A\\\\B\\\"\" <a@example.com>",
            ),
            (
                "Ада",
                "Ада <a@example.com>",
                "Ада <a@example.com>",
                "=?UTF-8?B?0JDQtNCw?= <a@example.com>",
            ),
            (
                "@",
                "\"@\" <a@example.com>",
                "a@example.com",
                "\"@\" <a@example.com>",
            ),
        ] {
            assert_eq!(quoted(&named(name)), quoted_form);
            assert_eq!(bare(&named(name)), bare_form);
            assert_eq!(ascii(&named(name)), ascii_form);
        }
    }

    #[test]
    fn no_encoded_word_is_too_long_or_cuts_a_character() {
        let text = "Привет, ".repeat(20);
        let mut decoded = String::new();
        for word in encoded(&text).split(' ') {
            assert!(word.len() <= 75, "{word}");
            let inner = word
                .strip_prefix("=?UTF-8?B?")
                .and_then(|rest| rest.strip_suffix("?="));
            let bytes = STANDARD
                .decode(inner.expect("an encoded word"))
                .expect("is base64");
            decoded.push_str(std::str::from_utf8(&bytes).expect("whole characters"));
        }
        assert_eq!(decoded, text);
        assert_eq!(encoded("plain"), "plain");
    }
}
