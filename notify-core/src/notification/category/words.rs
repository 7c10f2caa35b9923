//! What users read of a category in their settings, in their language.

use std::collections::BTreeMap;

use crate::id::Locale;
use crate::notification::Category;

/// Title and description in one language.
#[derive(Clone, Debug)]
pub(super) struct Words {
    title: String,
    description: String,
}

/// The words of all languages that have some.
pub(super) type AllWords = BTreeMap<Locale, Words>;

impl Category {
    /// What users of this language read in their settings.
    ///
    /// ```
    /// use notify_core::{Category, Locale};
    ///
    /// let news = Category::marketing("news")
    ///     .describe("Newsletter", "Once a week")
    ///     .describe_in("de", "Rundbrief", "Einmal die Woche");
    /// assert_eq!(news.title_in(&Locale::new("de-AT")), "Rundbrief");
    /// assert_eq!(news.description_in(&Locale::new("fr")), "Once a week");
    /// ```
    #[must_use]
    pub fn describe_in(
        mut self,
        locale: impl Into<Locale>,
        title: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let words = Words {
            title: title.into(),
            description: description.into(),
        };
        self.words.insert(locale.into(), words);
        self
    }

    fn words(&self, locale: &Locale) -> Option<&Words> {
        locale.chain().find_map(|form| self.words.get(form))
    }

    /// What users of this language read in their settings: in it, in a shorter form of it, or as [`describe`](Self::describe) said.
    #[must_use]
    pub fn title_in(&self, locale: &Locale) -> &str {
        self.words(locale)
            .map_or(self.title(), |words| words.title.as_str())
    }

    /// What users of this language read below the title.
    #[must_use]
    pub fn description_in(&self, locale: &Locale) -> &str {
        self.words(locale)
            .map_or(self.description(), |words| words.description.as_str())
    }
}
