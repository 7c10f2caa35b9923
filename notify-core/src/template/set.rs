//! Templates, partials and translations that belong together: what is compiled into one release.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

use crate::error::Result;
use crate::id::{ChannelId, TemplateName};
use crate::template::files;
use crate::template::locale::same_tag;
use crate::template::model::{Partial, Template};
use crate::template::release::{self, ReleaseId};
use crate::template::text::Translations;

/// The name that applications know a [`TemplateSet`] by.
pub type Templates = TemplateSet;

/// Everything that is needed to compile: plain data, in any order.
///
/// ```
/// use notify_core::template::{Partial, Template, Templates, Translations};
///
/// let templates = Templates::new()
///     .add(Template::new("welcome", "email", "en").with_part("subject", "{{t \"hello\" name=name}}"))
///     .add_partial(Partial::new("footer", "{{unsubscribe_url}}"))
///     .add_translations(Translations::new("en").with("hello", "Hello {name}"));
/// assert_eq!(templates.templates.len(), 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TemplateSet {
    /// The templates.
    #[serde(default)]
    pub templates: Vec<Template>,
    /// What they include.
    #[serde(default)]
    pub partials: Vec<Partial>,
    /// Texts for the helper `t`, one table for each language.
    #[serde(default)]
    pub translations: Vec<Translations>,
}

impl TemplateSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more template.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "a builder's verb, not a sum")]
    pub fn add(mut self, template: Template) -> Self {
        self.templates.push(template);
        self
    }

    /// With one more partial.
    #[must_use]
    pub fn add_partial(mut self, partial: Partial) -> Self {
        self.partials.push(partial);
        self
    }

    /// With the texts of one more language.
    #[must_use]
    pub fn add_translations(mut self, translations: Translations) -> Self {
        self.translations.push(translations);
        self
    }

    /// Reads a folder of templates. Blocks; meant for the start of the program.
    ///
    /// ```text
    /// templates/
    ///   order_shipped/
    ///     email.en.hbs       <channel>.<locale>.hbs; `any` stands in for channels without a file
    ///     email.pt-BR.hbs
    ///     sms.en.hbs
    ///     variables.json     { "order.id": { "required": true, "sample": "A-17" } }   optional
    ///     sample.json        data to preview with                                     optional
    ///   account/locked/      a template called `account/locked`
    ///   _partials/
    ///     footer.hbs         {{> footer}}
    ///     layouts/base.hbs   {{#> layouts/base}}…{{/layouts/base}}
    ///   _locales/
    ///     en.json            { "cart": { "items": { "one": "{count} item", "other": "{count} items" } } }
    /// ```
    ///
    /// A file has one section for each part; what comes before the first must be blank. A file
    /// without sections is the part `text`. White space at the end of a part is dropped, and a line
    /// that begins with `\---` loses its backslash.
    ///
    /// ```text
    /// --- subject
    /// Order {{order.id}} is on its way
    /// --- text
    /// Hello {{name}}, …
    /// --- html
    /// {{#> layouts/base}}<p>Hello {{name}}, …</p>{{/layouts/base}}
    /// ```
    ///
    /// Names that begin with a dot are skipped, and so are files of other kinds; other folders that
    /// begin with `_` are an error, because they are misspelt.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if something cannot be read, and
    /// [`ErrorKind::Template`](crate::ErrorKind::Template) if a part has no valid syntax; both name file and line.
    /// What templates say of each other, such as a partial that does not exist, is found by
    /// [`Engine::compile`](crate::template::Engine::compile).
    pub fn from_dir(path: impl AsRef<Path>) -> Result<Self> {
        files::read(path.as_ref())
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty() && self.partials.is_empty() && self.translations.is_empty()
    }

    /// The hash of what it says; see [`ReleaseId`].
    #[must_use]
    pub fn release_id(&self) -> ReleaseId {
        release::hash(self)
    }

    /// This set with what `over` adds and replaces: templates by name, channel and locale, partials by
    /// name, translations by locale and key. What `over` marks as deleted takes nothing away.
    #[must_use]
    pub fn overlaid(&self, over: &Self) -> Self {
        let live = |template: &&Template| template.deleted_at.is_none();
        let replaced: HashSet<_> = over.templates.iter().filter(live).map(key).collect();
        let partials = over
            .partials
            .iter()
            .filter(|partial| partial.deleted_at.is_none());
        let names: HashSet<&str> = partials
            .clone()
            .map(|partial| partial.name.as_str())
            .collect();
        let mut merged = self.clone();
        merged
            .templates
            .retain(|template| !replaced.contains(&key(template)));
        merged
            .templates
            .extend(over.templates.iter().filter(live).cloned());
        merged
            .partials
            .retain(|partial| !names.contains(partial.name.as_str()));
        merged.partials.extend(partials.cloned());
        for table in over.translations.iter().filter(|t| t.deleted_at.is_none()) {
            let same = |t: &&mut Translations| same_tag(t.locale.as_str(), table.locale.as_str());
            match merged.translations.iter_mut().find(same) {
                Some(known) => known.entries.extend(table.entries.clone()),
                None => merged.translations.push(table.clone()),
            }
        }
        merged
    }
}

/// Name, channel and locale, however that is written.
fn key(template: &Template) -> (TemplateName, ChannelId, String) {
    let locale = template
        .locale
        .as_str()
        .to_ascii_lowercase()
        .replace('_', "-");
    (template.name.clone(), template.channel.clone(), locale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_laid_over_replaces_by_key_and_keeps_the_rest() {
        let below = TemplateSet::new()
            .add(Template::new("a", "sms", "en").with_part("text", "below"))
            .add(Template::new("b", "sms", "en").with_part("text", "below"))
            .add_partial(Partial::new("footer", "below"))
            .add_translations(
                Translations::new("pt-BR")
                    .with("x", "below")
                    .with("y", "below"),
            );
        let over = TemplateSet::new()
            .add(Template::new("a", "sms", "EN").with_part("text", "over"))
            .add_partial(Partial::new("footer", "over"))
            .add_translations(Translations::new("pt_br").with("x", "over"));
        let merged = below.overlaid(&over);
        let texts: Vec<_> = merged
            .templates
            .iter()
            .map(|t| t.parts["text"].as_str())
            .collect();
        assert_eq!(texts, ["below", "over"]);
        assert_eq!(merged.partials, over.partials);
        assert_eq!(merged.translations.len(), 1);
        assert_eq!(merged.translations[0].entries["x"], "over".into());
        assert_eq!(merged.translations[0].entries["y"], "below".into());
    }

    #[test]
    fn a_set_reads_back_from_json() {
        let set = TemplateSet::new()
            .add(Template::new("a", "sms", "en").with_part("text", "t"))
            .add_partial(Partial::new("p", "s"));
        let json = serde_json::to_string(&set).expect("json");
        assert_eq!(
            serde_json::from_str::<TemplateSet>(&json).expect("reads"),
            set
        );
    }
}
