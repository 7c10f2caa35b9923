//! What is wrong with a template, and where: the sentence that its author reads.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::id::{ChannelId, Locale, TemplateName};

/// What is wrong, before it is known whose part it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    /// The line in the part, from 1.
    pub(super) line: Option<usize>,
    /// A lower-case sentence without a full stop.
    pub(super) message: String,
}

impl Flaw {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            line: None,
            message: message.into(),
        }
    }

    pub(super) fn at(line: usize, message: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            message: message.into(),
        }
    }

    /// Names the line, if it is not named yet.
    pub(super) fn or_line(mut self, line: Option<usize>) -> Self {
        self.line = self.line.or(line);
        self
    }

    /// The error that names where it is.
    pub(super) fn into_error(self, site: &Site<'_>) -> Error {
        Error::new(ErrorKind::Template, self.in_site(site))
    }

    /// The text of that error.
    pub(super) fn in_site(&self, site: &Site<'_>) -> String {
        match self.line {
            Some(line) => format!("{site}, line {line}: {}", self.message),
            None => format!("{site}: {}", self.message),
        }
    }
}

/// Which source something is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Site<'a> {
    Partial(&'a str),
    Template {
        name: &'a TemplateName,
        channel: &'a ChannelId,
        locale: &'a Locale,
        part: Option<&'a str>,
    },
    Translations(&'a Locale),
}

impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Partial(name) => write!(f, "partial {name}"),
            Self::Template {
                name,
                channel,
                locale,
                part,
            } => {
                write!(f, "template {name}, channel {channel}, locale {locale}")?;
                part.map_or(Ok(()), |part| write!(f, ", part {part}"))
            }
            Self::Translations(locale) => write!(f, "translations {locale}"),
        }
    }
}
