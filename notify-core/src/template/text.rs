//! Translations as plain data: what a translator writes and a store keeps.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Locale;
use crate::limits::{Limits, required};
use crate::template::locale::PluralCategory;

/// Texts in one language, for the helper `t`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Translations {
    /// The language.
    pub locale: Locale,
    /// The texts by key, such as `cart.items`.
    pub entries: BTreeMap<String, TranslationEntry>,
    /// Who wrote this version; may be empty.
    #[serde(default)]
    pub editor: String,
    /// As [`Template::version`](crate::template::Template::version).
    #[serde(default)]
    pub version: u64,
    /// When the first version was stored.
    #[serde(default)]
    pub created_at: Timestamp,
    /// When this version was stored.
    #[serde(default)]
    pub updated_at: Timestamp,
    /// When they were deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Translations {
    /// No texts yet.
    #[must_use]
    pub fn new(locale: impl Into<Locale>) -> Self {
        Self {
            locale: locale.into(),
            entries: BTreeMap::new(),
            editor: String::new(),
            version: 0,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
            deleted_at: None,
        }
    }

    /// With one more text: a string, or a [`TranslationEntry`] with plural forms.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, entry: impl Into<TranslationEntry>) -> Self {
        self.entries.insert(key.into(), entry.into());
        self
    }

    /// Written by this person.
    #[must_use]
    pub fn with_editor(mut self, editor: impl Into<String>) -> Self {
        self.editor = editor.into();
        self
    }

    /// Checks the locale; the texts are checked when they are compiled.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `translations.locale`.
    pub fn validate(&self) -> Result<()> {
        required("translations.locale", self.locale.as_str(), Limits::LOCALE)
    }
}

/// A text, or one for each plural form of the language. `{name}` stands for an argument of `t`.
///
/// ```
/// use notify_core::template::{PluralCategory, TranslationEntry};
///
/// let json = r#"{ "one": "{count} item", "other": "{count} items" }"#;
/// let entry: TranslationEntry = serde_json::from_str(json)?;
/// assert_eq!(
///     entry,
///     TranslationEntry::plural([
///         (PluralCategory::One, "{count} item"),
///         (PluralCategory::Other, "{count} items"),
///     ])
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum TranslationEntry {
    /// The same text for every number.
    Text(String),
    /// One text for each plural form; `other` must be there, and stands in for forms that are not.
    Plural(BTreeMap<PluralCategory, String>),
}

impl TranslationEntry {
    /// Plural forms.
    #[must_use]
    pub fn plural<T: Into<String>>(forms: impl IntoIterator<Item = (PluralCategory, T)>) -> Self {
        Self::Plural(
            forms
                .into_iter()
                .map(|(form, text)| (form, text.into()))
                .collect(),
        )
    }
}

impl From<&str> for TranslationEntry {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for TranslationEntry {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
