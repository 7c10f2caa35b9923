//! Templates and partials as plain data: what an editor writes and a store keeps.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{ChannelId, Locale, TemplateName};
use crate::limits::{Limits, required};

/// The most parts of one template.
const MAX_PARTS: usize = 32;
/// The most declared variables of one template.
const MAX_VARIABLES: usize = 200;

/// What is said under one name, on one channel, in one language.
///
/// ```
/// use notify_core::template::{Template, Variable};
/// use serde_json::json;
///
/// let template = Template::new("order_shipped", "sms", "en")
///     .with_part("text", "Order {{order.id}} is on its way")
///     .with_variable(Variable::required("order.id").with_sample(json!("A-17")))
///     .with_editor("ada");
/// assert!(template.validate().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Template {
    /// What it is called; by default a notification's kind. At most 255 characters.
    pub name: TemplateName,
    /// The channel it is for, or [`Template::ANY_CHANNEL`].
    pub channel: ChannelId,
    /// The language it is in, such as `pt-BR`.
    pub locale: Locale,
    /// The Handlebars source of each part, such as `subject` and `html`. 1 to 32 parts.
    pub parts: BTreeMap<String, String>,
    /// What it needs to be told. Empty: what its parts print outside of blocks is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// Data to preview it with, and to try it with when it is saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Value>,
    /// Who wrote this version, by the application's own id; may be empty.
    #[serde(default)]
    pub editor: String,
    /// Given by the store: 1 for the first, and one more with each change. 0 for what no store has seen.
    #[serde(default)]
    pub version: u64,
    /// When the first version was stored, by the store's clock.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When this version was stored, by the store's clock.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When it was deleted. Deleted templates are kept, and render nothing new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Template {
    /// The channel of a template that stands in for every channel without a variant of its own.
    ///
    /// Where such a template lacks `subject`, its `title` is taken, and the other way round; likewise `text` and `body`.
    pub const ANY_CHANNEL: ChannelId = ChannelId::new("*");

    /// A template without parts.
    #[must_use]
    pub fn new(
        name: impl Into<TemplateName>,
        channel: impl Into<ChannelId>,
        locale: impl Into<Locale>,
    ) -> Self {
        Self {
            name: name.into(),
            channel: channel.into(),
            locale: locale.into(),
            parts: BTreeMap::new(),
            variables: Vec::new(),
            sample: None,
            editor: String::new(),
            version: 0,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
            deleted_at: None,
        }
    }

    /// With this source of a part, replacing the one it had.
    #[must_use]
    pub fn with_part(mut self, name: impl Into<String>, source: impl Into<String>) -> Self {
        self.parts.insert(name.into(), source.into());
        self
    }

    /// With one more declared variable.
    #[must_use]
    pub fn with_variable(mut self, variable: Variable) -> Self {
        self.variables.push(variable);
        self
    }

    /// With data to preview it with.
    #[must_use]
    pub fn with_sample(mut self, sample: Value) -> Self {
        self.sample = Some(sample);
        self
    }

    /// Written by this person.
    #[must_use]
    pub fn with_editor(mut self, editor: impl Into<String>) -> Self {
        self.editor = editor.into();
        self
    }

    /// Checks names and numbers, not the sources: [`Engine::check`](crate::template::Engine::check) does that.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming the field, such as `template.parts`.
    pub fn validate(&self) -> Result<()> {
        required("template.name", self.name.as_str(), Limits::TEMPLATE)?;
        required("template.channel", self.channel.as_str(), Limits::CATEGORY)?;
        required("template.locale", self.locale.as_str(), Limits::LOCALE)?;
        if self.parts.is_empty() || self.parts.len() > MAX_PARTS {
            return Err(Error::invalid(
                "template.parts",
                format!("must be 1 to {MAX_PARTS}"),
            ));
        }
        if let Some(name) = self.parts.keys().find(|name| !is_part_name(name)) {
            let name = name.escape_default();
            return Err(Error::invalid(
                "template.parts",
                format!("{name} is no name of a part: use small letters, digits and underscores"),
            ));
        }
        if self.variables.len() > MAX_VARIABLES {
            return Err(Error::invalid(
                "template.variables",
                format!("are more than {MAX_VARIABLES}"),
            ));
        }
        let mut declared = self.variables.iter().map(|variable| variable.name.as_str());
        if declared.any(|name| !is_variable_name(name)) {
            return Err(Error::invalid(
                "template.variables",
                "must be names such as order.id",
            ));
        }
        Ok(())
    }
}

/// Small letters, digits and underscores, such as `click_action`.
pub(super) fn is_part_name(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(fine)
}

/// Names joined by dots, such as `order.id`.
fn is_variable_name(name: &str) -> bool {
    let fine = |c: char| !c.is_control() && !c.is_whitespace() && !"{}()[]\"'/=@".contains(c);
    name.len() <= 255
        && name
            .split('.')
            .all(|segment| !segment.is_empty() && segment.chars().all(fine))
}

/// Something a template needs to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Variable {
    /// Where it is in the data, such as `order.id`.
    pub name: String,
    /// Whether a notification without it is refused.
    pub required: bool,
    /// A value to preview with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Value>,
}

impl Variable {
    /// A variable that must be given, and not be null.
    #[must_use]
    pub fn required(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            required: true,
            sample: None,
        }
    }

    /// A variable that may be missing: the template guards it with `{{#if}}` or `{{default}}`.
    #[must_use]
    pub fn optional(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            required: false,
            sample: None,
        }
    }

    /// With a value to preview with.
    #[must_use]
    pub fn with_sample(mut self, sample: impl Into<Value>) -> Self {
        self.sample = Some(sample.into());
        self
    }
}

/// A piece of template that templates and other partials include: `{{> footer}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Partial {
    /// What includes call it: letters, digits, `-`, `_`, `/` and `.`, such as `layouts/base`.
    pub name: String,
    /// The Handlebars source.
    pub source: String,
    /// Who wrote this version; may be empty.
    #[serde(default)]
    pub editor: String,
    /// As [`Template::version`].
    #[serde(default)]
    pub version: u64,
    /// When the first version was stored.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When this version was stored.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When it was deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Partial {
    /// A partial.
    #[must_use]
    pub fn new(name: impl Into<String>, source: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            editor: String::new(),
            version: 0,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
            deleted_at: None,
        }
    }

    /// Written by this person.
    #[must_use]
    pub fn with_editor(mut self, editor: impl Into<String>) -> Self {
        self.editor = editor.into();
        self
    }

    /// Checks the name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `partial.name`.
    pub fn validate(&self) -> Result<()> {
        required("partial.name", &self.name, Limits::TEMPLATE)?;
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_/.".contains(c);
        if !self.name.chars().all(fine) {
            return Err(Error::invalid(
                "partial.name",
                "may hold letters, digits, -, _, / and .",
            ));
        }
        Ok(())
    }
}
