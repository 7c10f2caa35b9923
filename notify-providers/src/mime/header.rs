//! Headers in the form in which they stand in a mail.

use lettre::message::header::{HeaderName, HeaderValue};
use notify_core::channel::ListUnsubscribe;
use notify_core::provider::Fault;

use crate::email::header::{check, unsubscribe_links};

pub(super) use crate::email::header::one_line;

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
    check(name, value)?;
    let name = HeaderName::new_from_ascii(name.to_owned());
    let name = name.map_err(|_| Fault::request("header_name"))?;
    Ok(Field {
        value: HeaderValue::new(name.clone(), value.to_owned()),
        name,
    })
}

/// `List-Unsubscribe` (RFC 2369 §3.2) and `List-Unsubscribe-Post` (RFC 8058 §3.1), the first folded
/// between its links only.
pub(super) fn list_unsubscribe(links: &ListUnsubscribe) -> Result<[Field; 2], Fault> {
    let value = unsubscribe_links(links)?.join(",\r\n ");
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
