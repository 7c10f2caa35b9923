//! Headers: which names and values may go into a mail, and in what form.

use lettre::message::header::{HeaderName, HeaderValue};
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

/// A header field; lettre's type does not tell its name.
pub(super) struct Field {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
}

/// A header whose value is ours, or checked: written as it is, never folded inside.
pub(super) fn verbatim(name: &'static str, value: impl Into<String>) -> Field {
    let (name, value) = (HeaderName::new_from_ascii_str(name), value.into());
    Field {
        value: HeaderValue::dangerous_new_pre_encoded(name.clone(), value.clone(), value),
        name,
    }
}

/// A header of free text: folded, and encoded by RFC 2047 where it is not ASCII.
pub(super) fn encoded(name: &'static str, value: &str) -> Result<Field, Fault> {
    one_line(value)
        .map_err(|()| Fault::request(format!("header_{}", name.to_ascii_lowercase())))?;
    let name = HeaderName::new_from_ascii_str(name);
    Ok(Field {
        value: HeaderValue::new(name.clone(), value.to_owned()),
        name,
    })
}

/// A header that came with the message.
pub(super) fn custom(name: &str, value: &str) -> Result<Field, Fault> {
    let lower = name.to_ascii_lowercase();
    let syntax = !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    let bad_name = || Fault::request("header_name");
    let name = if syntax {
        HeaderName::new_from_ascii(name.to_owned()).map_err(|_| bad_name())?
    } else {
        return Err(bad_name());
    };
    if RESERVED.contains(&lower.as_str())
        || lower.starts_with("content-")
        || lower.starts_with("resent-")
    {
        return Err(Fault::request("header_reserved"));
    }
    one_line(value).map_err(|()| Fault::request("header_value"))?;
    Ok(Field {
        value: HeaderValue::new(name.clone(), value.to_owned()),
        name,
    })
}

/// `List-Unsubscribe` (RFC 2369 §3.2) and `List-Unsubscribe-Post` (RFC 8058 §3.1), the first folded
/// between its links only.
pub(super) fn list_unsubscribe(links: &ListUnsubscribe) -> Result<[Field; 2], Fault> {
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
    let mut value = uri("https://", &links.https)?;
    if let Some(mailto) = &links.mailto {
        value.push_str(",\r\n ");
        value.push_str(&uri("mailto:", mailto)?);
    }
    Ok([
        verbatim("List-Unsubscribe", value),
        verbatim("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ])
}

/// The longest identifier of a list (RFC 2919 §3).
const LIST_ID: usize = 255;

/// `List-Id` (RFC 2919): the category at the sender's domain, by which readers sort and receivers
/// tell one kind of bulk mail from another. What cannot stand in a label becomes a hyphen.
pub(super) fn list_id(category: &str, domain: &str) -> Field {
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let label: String = category
        .split('.')
        .filter(|part| !part.is_empty())
        .map(|part| part.replace(|c| !atext(c), "-"))
        .collect::<Vec<_>>()
        .join(".");
    // All ASCII by now.
    let room = LIST_ID.saturating_sub(domain.len() + 1).max(1);
    let label = label.get(..room).unwrap_or(&label).trim_end_matches('.');
    let label = if label.is_empty() { "list" } else { label };
    verbatim("List-Id", format!("<{label}.{domain}>"))
}

/// The longest correlation id that goes out: what the core takes.
const CORRELATION_ID: usize = 255;

/// `X-Correlation-ID`: the caller's own id, by which a mail is found again in its logs. Of what is
/// no visible ASCII nothing goes out, and if nothing is left there is no header.
pub(super) fn correlation_id(id: &str) -> Option<Field> {
    let id: String = id
        .chars()
        .filter(char::is_ascii_graphic)
        .take(CORRELATION_ID)
        .collect();
    (!id.is_empty()).then(|| verbatim("X-Correlation-ID", id))
}

/// No line break, no NUL, no other control character but the tab.
pub(super) fn one_line(text: &str) -> Result<(), ()> {
    if text.chars().any(|c| c != '\t' && c.is_control()) {
        Err(())
    } else {
        Ok(())
    }
}
