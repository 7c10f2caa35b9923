//! Which headers a message may bring, whoever writes the mail in the end.

use notify_core::channel::ListUnsubscribe;
use notify_core::provider::Fault;

/// Headers that a message may not set itself: they are written from its other fields, decide where
/// it goes or how it is read, or are put on by servers on the way.
const RESERVED: [&str; 18] = [
    "arc-seal",
    "authentication-results",
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "reply-to",
    "return-path",
    "sender",
    "subject",
    "to",
    "x-delivery-id",
    "x-notification-id",
];

/// Checks a header that came with the message.
///
/// # Errors
/// `header_name`, `header_reserved`, `header_value`.
pub(crate) fn check(name: &str, value: &str) -> Result<(), Fault> {
    let syntax = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !syntax {
        return Err(Fault::request("header_name"));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.contains(&lower.as_str())
        || lower.starts_with("content-")
        || lower.starts_with("resent-")
    {
        return Err(Fault::request("header_reserved"));
    }
    one_line(value).map_err(|()| Fault::request("header_value"))
}

/// The links of `List-Unsubscribe` (RFC 2369 §3.2), each in its brackets.
///
/// # Errors
/// `header_list_unsubscribe` if one would break out of them.
pub(crate) fn unsubscribe_links(links: &ListUnsubscribe) -> Result<Vec<String>, Fault> {
    let uri = |scheme: &str, uri: &str| {
        let fine = uri.starts_with(scheme)
            && uri
                .bytes()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b','));
        if fine {
            Ok(format!("<{uri}>"))
        } else {
            Err(Fault::request("header_list_unsubscribe"))
        }
    };
    let mut values = vec![uri("https://", &links.https)?];
    if let Some(mailto) = &links.mailto {
        values.push(uri("mailto:", mailto)?);
    }
    Ok(values)
}

/// No line break, no NUL, no other control character but the tab.
pub(crate) fn one_line(text: &str) -> Result<(), ()> {
    if text.chars().any(|c| c != '\t' && c.is_control()) {
        Err(())
    } else {
        Ok(())
    }
}
