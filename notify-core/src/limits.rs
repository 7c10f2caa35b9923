//! The sizes that names and texts may have, checked where they enter.

use crate::error::{Error, Result};

/// The longest each field of a request may be, in characters; data and attachments in bytes.
///
/// Fixed, because they are also the widths that stores and providers rely on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits;

impl Limits {
    /// Name of a category.
    pub const CATEGORY: usize = 100;
    /// Name of a template or kind.
    pub const TEMPLATE: usize = 255;
    /// Title of given content, and subject after rendering twice that.
    pub const TITLE: usize = 255;
    /// Subject of a mail.
    pub const SUBJECT: usize = 500;
    /// A locale.
    pub const LOCALE: usize = 35;
    /// A recipient's id.
    pub const RECIPIENT: usize = 255;
    /// An idempotency key, a source, a correlation id.
    pub const KEY: usize = 255;
    /// The data of the templates, as JSON.
    pub const DATA_BYTES: usize = 64 * 1024;
    /// A text or HTML body given in the call.
    pub const BODY_BYTES: usize = 256 * 1024;
    /// All attachments together.
    pub const ATTACHMENT_BYTES: usize = 10 * 1024 * 1024;

    /// Checks the size of the data, given how long it is as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::error::ErrorKind::Invalid) naming `data`.
    pub fn check_data(json_bytes: usize) -> Result<()> {
        bytes("data", json_bytes, Self::DATA_BYTES)
    }
}

/// Present, at most `max` characters, and no control characters: these texts become headers, labels and keys.
pub(crate) fn required(field: &'static str, text: &str, max: usize) -> Result<()> {
    if text.is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "holds a control character"));
    }
    at_most(field, text, max)
}

/// At most `max` characters.
pub(crate) fn at_most(field: &'static str, text: &str, max: usize) -> Result<()> {
    if text.len() > max && text.chars().count() > max {
        return Err(Error::invalid(
            field,
            format!("is longer than {max} characters"),
        ));
    }
    Ok(())
}

/// At most `max` bytes.
pub(crate) fn bytes(field: &'static str, len: usize, max: usize) -> Result<()> {
    if len > max {
        return Err(Error::invalid(field, format!("is larger than {max} bytes")));
    }
    Ok(())
}
