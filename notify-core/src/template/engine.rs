//! A compiled release, and finding the template for a channel and a reader in it.

use handlebars::Handlebars;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use crate::channel::Part;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, Locale, TemplateName};
use crate::template::flaw::{Flaw, Site};
use crate::template::helpers::HelperSet;
use crate::template::limits::TemplateLimits;
use crate::template::locale::same_tag;
use crate::template::model::Template;
use crate::template::release::ReleaseId;
use crate::template::translate::Translator;

/// One release, compiled. Never changes; cheap to look up in, and shared between tasks.
pub struct Engine {
    release: ReleaseId,
    names: HashMap<TemplateName, Vec<Variants>>,
    faults: Vec<String>,
}

/// A template's variants for one channel.
pub(super) struct Variants {
    pub(super) channel: ChannelId,
    pub(super) locales: Vec<CompiledTemplate>,
}

/// What all templates of a release share.
pub(super) struct Shared {
    pub(super) html: Handlebars<'static>,
    pub(super) text: Handlebars<'static>,
    pub(super) translator: Translator,
    pub(super) limits: TemplateLimits,
}

impl Engine {
    pub(super) const fn new(
        release: ReleaseId,
        names: HashMap<TemplateName, Vec<Variants>>,
        faults: Vec<String>,
    ) -> Self {
        Self {
            release,
            names,
            faults,
        }
    }

    /// The hash of what was compiled.
    #[must_use]
    pub const fn release(&self) -> ReleaseId {
        self.release
    }

    /// What could not be compiled, one sentence each. Empty unless made by [`compile_all`](Self::compile_all).
    #[must_use]
    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Whether there is a template of this name, on any channel and in any language.
    #[must_use]
    pub fn contains(&self, name: &TemplateName) -> bool {
        self.names.contains_key(name.as_str())
    }

    /// Every template, in no particular order.
    pub fn templates(&self) -> impl Iterator<Item = &CompiledTemplate> {
        self.names
            .values()
            .flatten()
            .flat_map(|variants| &variants.locales)
    }

    /// Finds the template for a channel and a reader.
    ///
    /// Looked for in turn: the reader's locale and its shorter forms (`pt-BR`, `pt`), then the
    /// default locale and its shorter forms; if the channel has none of them, the same again among
    /// the variants for [any channel](Template::ANY_CHANNEL). Nothing is allocated.
    #[must_use]
    pub fn resolve(
        &self,
        name: &TemplateName,
        channel: &ChannelId,
        locale: &Locale,
        default_locale: &Locale,
    ) -> Option<&CompiledTemplate> {
        let channels = self.names.get(name.as_str())?;
        [channel, &Template::ANY_CHANNEL]
            .into_iter()
            .find_map(|channel| {
                let variants = channels
                    .iter()
                    .find(|variants| variants.channel == *channel)?;
                locale
                    .chain()
                    .chain(default_locale.chain())
                    .find_map(|tag| {
                        variants
                            .locales
                            .iter()
                            .find(|template| same_tag(template.locale.as_str(), tag))
                    })
            })
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("release", &self.release)
            .field("templates", &self.templates().count())
            .field("faults", &self.faults)
            .finish()
    }
}

/// A template, ready to render.
pub struct CompiledTemplate {
    name: TemplateName,
    channel: ChannelId,
    locale: Locale,
    /// The parts, or what is wrong.
    parts: Result<BTreeMap<String, CompiledPart>, String>,
    /// What the data must hold, such as `order.id`; and whether null will do.
    required: Vec<String>,
    takes_null: bool,
    pub(super) shared: Arc<Shared>,
}

/// A part, ready to render.
pub(super) struct CompiledPart {
    pub(super) template: handlebars::Template,
    pub(super) helpers: HelperSet,
    pub(super) source_bytes: usize,
}

impl CompiledTemplate {
    pub(super) fn new(
        template: &Template,
        parts: Result<BTreeMap<String, CompiledPart>, String>,
        needs: BTreeSet<String>,
        shared: Arc<Shared>,
    ) -> Self {
        let is_declared = !template.variables.is_empty();
        let declared = template
            .variables
            .iter()
            .filter(|variable| variable.required);
        let required = if is_declared {
            declared.map(|variable| variable.name.clone()).collect()
        } else {
            needs.into_iter().collect()
        };
        Self {
            name: template.name.clone(),
            channel: template.channel.clone(),
            locale: template.locale.clone(),
            parts,
            required,
            takes_null: !is_declared,
            shared,
        }
    }

    /// What it is called.
    #[must_use]
    pub const fn name(&self) -> &TemplateName {
        &self.name
    }

    /// The channel it was written for, or [`Template::ANY_CHANNEL`].
    #[must_use]
    pub const fn channel(&self) -> &ChannelId {
        &self.channel
    }

    /// The language it was written in.
    #[must_use]
    pub const fn locale(&self) -> &Locale {
        &self.locale
    }

    /// What is wrong with it; `None` if it can be rendered.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.parts.as_ref().err().map(String::as_str)
    }

    /// What the data must hold, such as `order.id`: see [`check_variables`](Self::check_variables).
    #[must_use]
    pub fn required_variables(&self) -> &[String] {
        &self.required
    }

    /// Checks that the data holds what the template needs, without rendering it.
    ///
    /// Those are the declared variables that are required; null counts as missing. A template that
    /// declares none needs what its parts print outside of blocks, and what helpers other than
    /// `default`, `and`, `or` and `not` are given there, also in partials that are included there
    /// without a context; null will do. What blocks and the content of layouts use is not known
    /// before rendering, which names it then.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] naming every variable that is missing, or what is wrong with the
    /// template; [`ErrorKind::Invalid`] naming `data` if that is neither an object nor null.
    pub fn check_variables(&self, data: &Value) -> Result<()> {
        self.usable()?;
        if !data.is_object() && !data.is_null() {
            return Err(Error::invalid("data", "must be a JSON object"));
        }
        let is_missing = |name: &&String| match find(data, name) {
            Some(value) => value.is_null() && !self.takes_null,
            None => true,
        };
        let missing: Vec<&str> = self
            .required
            .iter()
            .filter(is_missing)
            .map(String::as_str)
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.error(
            None,
            &Flaw::new(format!("the data lacks {}", missing.join(", "))),
        ))
    }

    /// Checks that the template fills a channel's parts: all that are required, and none that the
    /// channel does not know, unless it stands in for any channel.
    ///
    /// # Errors
    /// [`ErrorKind::Template`] naming the part.
    pub fn check_parts(&self, parts: &[Part]) -> Result<()> {
        let own = self.usable()?;
        if let Some(part) = parts
            .iter()
            .find(|p| p.required && self.part(own, p.name).is_none())
        {
            return Err(self.error(None, &Flaw::new(format!("lacks the part {}", part.name))));
        }
        let is_known = |name: &&String| parts.iter().any(|part| part.name == name.as_str());
        match own.keys().find(|name| !is_known(name)) {
            Some(name) if self.channel != Template::ANY_CHANNEL => {
                Err(self.error(None, &Flaw::new(format!("the channel has no part {name}"))))
            }
            _ => Ok(()),
        }
    }

    /// The parts by name, unless the template cannot be used.
    pub(super) fn usable(&self) -> Result<&BTreeMap<String, CompiledPart>> {
        self.parts
            .as_ref()
            .map_err(|fault| Error::new(ErrorKind::Template, fault.as_str()))
    }

    /// A part by name. What stands in for any channel may call it by its other name.
    pub(super) fn part<'a>(
        &self,
        own: &'a BTreeMap<String, CompiledPart>,
        name: &str,
    ) -> Option<&'a CompiledPart> {
        let other = || match name {
            _ if self.channel != Template::ANY_CHANNEL => None,
            "subject" => own.get("title"),
            "title" => own.get("subject"),
            "text" => own.get("body"),
            "body" => own.get("text"),
            _ => None,
        };
        own.get(name).or_else(other)
    }

    /// The error for something that is wrong in a part.
    pub(super) fn error(&self, part: Option<&str>, flaw: &Flaw) -> Error {
        let Self {
            name,
            channel,
            locale,
            ..
        } = self;
        flaw.clone().into_error(&Site::Template {
            name,
            channel,
            locale,
            part,
        })
    }
}

impl fmt::Debug for CompiledTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledTemplate")
            .field("name", &self.name)
            .field("channel", &self.channel)
            .field("locale", &self.locale)
            .field("fault", &self.fault())
            .finish_non_exhaustive()
    }
}

/// The value at `order.id`, or `items.0.name`.
pub(super) fn find<'a>(data: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(data, |value, name| match value {
        Value::Object(map) => map.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        _ => None,
    })
}
