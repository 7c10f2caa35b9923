//! What a library call returns when it cannot do what was asked.
//!
//! A failed *provider call* is not an error: it is a [`Fault`](crate::provider::Fault), stored and shown as data.

use std::error::Error as StdError;
use std::fmt;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a library call failed: a kind to branch on, a sentence that says what to do, and the cause.
///
/// The text never holds an address, a payload or a secret, so that it can be logged as it is. One pointer wide.
///
/// ```
/// use notify_core::{Error, ErrorKind, Permanence};
///
/// let error = Error::new(ErrorKind::Invalid, "must not be empty").field("category");
/// assert_eq!(error.kind(), ErrorKind::Invalid);
/// assert_eq!(error.field_name(), Some("category"));
/// assert_eq!(error.kind().permanence(), Permanence::Permanent);
/// assert_eq!(error.to_string(), "category: must not be empty");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    context: String,
    field: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Too much at once, or premises kept changing: ask again a little later.
    Busy,
    /// The configuration cannot work; the text names the part. Mend it and start again.
    Config,
    /// The idempotency key or the unique name is taken by something different. Nothing was stored.
    Conflict,
    /// Stored data does not read back as what was written. Restore it, or remove the row that is named.
    Corrupt,
    /// The disk or the database is full. Nothing was stored; make room and ask again.
    Full,
    /// An argument is not acceptable; [`Error::field_name`] says which. Nothing was stored.
    Invalid,
    /// What was named does not exist. Nothing was stored.
    NotFound,
    /// The database or file cannot be written. Nothing was stored.
    ReadOnly,
    /// The store failed in a way that says nothing about the request. Nothing was stored; ask again.
    Storage,
    /// A template cannot be compiled or rendered; the text names the template and the variable.
    Template,
    /// The store cannot be reached now. Nothing was stored; ask again.
    Unavailable,
    /// It is not known whether the change was stored (the answer to a commit was lost).
    /// Ask again with the same idempotency key: that is safe and settles it.
    Unknown,
    /// A bug in this library or a broken promise of an implementation. Please report it.
    Unexpected,
    /// The store, channel or provider cannot do this; nothing was tried.
    Unsupported,
}

/// Whether the same call can succeed if it is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Permanence {
    /// Never, until the caller or the configuration changes.
    Permanent,
    /// Probably, after a while. Nothing was stored by the failed call.
    Transient,
    /// The failed call may have been carried out; repeat it only under an idempotency key.
    Unknown,
}

impl ErrorKind {
    /// Whether asking again can help.
    #[must_use]
    pub const fn permanence(self) -> Permanence {
        match self {
            Self::Busy | Self::Full | Self::Storage | Self::Unavailable => Permanence::Transient,
            Self::Unknown => Permanence::Unknown,
            Self::Config
            | Self::Conflict
            | Self::Corrupt
            | Self::Invalid
            | Self::NotFound
            | Self::ReadOnly
            | Self::Template
            | Self::Unexpected
            | Self::Unsupported => Permanence::Permanent,
        }
    }
}

impl Error {
    /// An error of `kind`. `context` is a lower-case sentence without a full stop that says what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            context: context.into(),
            field: None,
            source: None,
        }))
    }

    /// Shorthand for an [`ErrorKind::Invalid`] error that names the field.
    #[must_use]
    pub fn invalid(field: impl Into<String>, context: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, context).field(field)
    }

    /// Names the field of the request that is at fault.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.0.field = Some(name.into());
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The field of the request that is at fault, such as `recipient.id`.
    #[must_use]
    pub fn field_name(&self) -> Option<&str> {
        self.0.field.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.0.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.0.context)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind)
            .field("context", &self.0.context);
        if let Some(field) = &self.0.field {
            out.field("field", field);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn the_cause_is_kept() {
        let error = Error::new(ErrorKind::Storage, "disk failed").source("EIO");
        assert_eq!(
            StdError::source(&error).map(ToString::to_string),
            Some("EIO".to_owned())
        );
    }
}
