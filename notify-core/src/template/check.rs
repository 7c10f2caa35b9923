//! Trying a template out before it is saved or sent.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Result};
use crate::id::{Locale, TemplateName};
use crate::template::context::{RenderContext, RenderData};
use crate::template::engine::{CompiledTemplate, Engine, find};
use crate::template::limits::TemplateLimits;
use crate::template::model::{Template, Variable};
use crate::template::set::TemplateSet;

impl Engine {
    /// Checks a template before it is saved, with the partials and translations of `set`.
    ///
    /// It must compile. If it declares variables, every variable that its parts print outside of
    /// blocks must be declared. It is rendered with its sample, completed by the samples of its
    /// variables; where neither is given and it needs data, rendering is left out.
    ///
    /// ```
    /// use notify_core::template::{Engine, Template, TemplateSet};
    ///
    /// let typo = Template::new("order_shipped", "sms", "en")
    ///     .with_part("text", "{{#if order}}Order {{order.idd}}{{/if}}")
    ///     .with_sample(serde_json::json!({ "order": { "id": "A-17" } }));
    /// let error = Engine::check(&typo, &TemplateSet::new()).expect_err("a typo");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "template order_shipped, channel sms, locale en, part text, line 1: variable order.idd is missing"
    /// );
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] naming a field that does not [validate](Template::validate), and
    /// [`ErrorKind::Template`] naming part and line of what cannot be compiled or rendered.
    pub fn check(template: &Template, set: &TemplateSet) -> Result<()> {
        Self::check_within(template, set, &TemplateLimits::new())
    }

    /// Checks a template within other limits.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_within(
        template: &Template,
        set: &TemplateSet,
        limits: &TemplateLimits,
    ) -> Result<()> {
        template.validate()?;
        // Without declarations, the compiled template lists what it really uses.
        let mut bare = template.clone();
        bare.variables.clear();
        bare.deleted_at = None;
        let engine = alone(vec![bare], set, limits);
        let Some(compiled) = engine.templates().next() else {
            return Err(Error::new(
                ErrorKind::Unexpected,
                "the template was not compiled",
            ));
        };
        compiled.usable()?;
        let used = compiled.required_variables();
        if let Some(name) = used
            .iter()
            .find(|name| !is_declared(name, &template.variables))
        {
            let message = format!(
                "template {}: variable {name} is not declared",
                template.name
            );
            return Err(Error::new(ErrorKind::Template, message));
        }
        match sample(template) {
            Some(data) => try_out(compiled, data),
            None if used.is_empty() => try_out(compiled, Value::Null),
            None => Ok(()),
        }
    }

    /// Checks that a change breaks nothing that worked: for partials and translations before they are
    /// saved or deleted. `after` is the set with the change.
    ///
    /// ```
    /// use notify_core::template::{Engine, Partial, Template, TemplateSet};
    ///
    /// let before = TemplateSet::new()
    ///     .add(Template::new("hello", "sms", "en").with_part("text", "{{> footer}}"))
    ///     .add_partial(Partial::new("footer", "Bye"));
    /// let mut after = before.clone();
    /// after.partials.clear();
    /// assert!(Engine::check_change(&before, &after).is_err());
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Template`] for the first thing that is wrong after the change and was not before.
    pub fn check_change(before: &TemplateSet, after: &TemplateSet) -> Result<()> {
        let limits = TemplateLimits::new();
        let (before, after) = (
            Self::compile_all(before, &limits),
            Self::compile_all(after, &limits),
        );
        match after
            .faults()
            .iter()
            .find(|fault| !before.faults().contains(fault))
        {
            Some(fault) => Err(Error::new(ErrorKind::Template, fault.as_str())),
            None => Ok(()),
        }
    }

    /// Renders a template as a reader would get it. Without data, its sample is taken.
    ///
    /// ```
    /// use notify_core::channel::SmsChannel;
    /// use notify_core::template::{Engine, RenderContext, Template, Templates};
    /// use notify_core::Locale;
    /// use serde_json::json;
    ///
    /// let templates = Templates::new().add(
    ///     Template::new("hello", "sms", "en")
    ///         .with_part("text", "Hello {{name}}")
    ///         .with_sample(json!({ "name": "Ada" })),
    /// );
    /// let english = Locale::new("en");
    /// let context = RenderContext::sample(&english, &english);
    /// let parts = Engine::preview(&templates, &"hello".into(), &SmsChannel::new(), None, &context)?;
    /// assert_eq!(parts["text"], "Hello Ada");
    /// # Ok::<(), notify_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no variant for channel and locale; otherwise as
    /// [`render`](CompiledTemplate::render).
    pub fn preview(
        set: &TemplateSet,
        name: &TemplateName,
        channel: &dyn Channel,
        data: Option<&Value>,
        context: &RenderContext<'_>,
    ) -> Result<BTreeMap<String, String>> {
        let named = |template: &&Template| template.name == *name && template.deleted_at.is_none();
        let variants: Vec<_> = set.templates.iter().filter(named).cloned().collect();
        let engine = alone(variants, set, &TemplateLimits::new());
        let (locale, default) = (context.locale, context.default_locale);
        let compiled = engine
            .resolve(name, &channel.id(), locale, default)
            .ok_or_else(|| missing(name, channel, locale))?;
        let is_it = |template: &&Template| {
            named(template)
                && template.channel == *compiled.channel()
                && template.locale == *compiled.locale()
        };
        let data = data
            .cloned()
            .or_else(|| set.templates.iter().find(is_it).and_then(sample));
        let data = RenderData::new(data.unwrap_or(Value::Null), context)?;
        Ok(compiled
            .render_data(channel.parts(), &data, context)?
            .into_iter()
            .collect())
    }
}

fn missing(name: &TemplateName, channel: &dyn Channel, locale: &Locale) -> Error {
    let channel = channel.id();
    Error::new(
        ErrorKind::NotFound,
        format!("template {name} has no variant for channel {channel} and locale {locale}"),
    )
}

/// Compiles a few templates with all that they may use.
fn alone(templates: Vec<Template>, set: &TemplateSet, limits: &TemplateLimits) -> Engine {
    let mut alone = TemplateSet::new();
    alone.templates = templates;
    alone.partials.clone_from(&set.partials);
    alone.translations.clone_from(&set.translations);
    Engine::compile_all(&alone, limits)
}

fn try_out(compiled: &CompiledTemplate, data: Value) -> Result<()> {
    let context = RenderContext::sample(compiled.locale(), compiled.locale());
    compiled.render_own(&RenderData::new(data, &context)?, &context)
}

/// Whether a variable, or something around or inside of it, is declared; everything is where nothing is.
fn is_declared(name: &str, declared: &[Variable]) -> bool {
    let within = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    declared.is_empty()
        || declared
            .iter()
            .any(|known| within(name, &known.name) || within(&known.name, name))
}

/// The sample, completed by those of the variables; `None` if a required variable has neither.
fn sample(template: &Template) -> Option<Value> {
    let mut data = template
        .sample
        .clone()
        .unwrap_or_else(|| Value::Object(Map::new()));
    for variable in &template.variables {
        if find(&data, &variable.name).is_some() {
            continue;
        }
        match &variable.sample {
            Some(value) => insert(&mut data, &variable.name, value.clone()),
            None if variable.required && template.sample.is_none() => return None,
            None => {}
        }
    }
    let is_given = template.sample.is_some() || !template.variables.is_empty();
    is_given.then_some(data)
}

/// Puts a value at `order.id`; leaves what is no object alone.
fn insert(data: &mut Value, path: &str, value: Value) {
    let mut at = data;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        let Value::Object(map) = at else { return };
        if names.peek().is_none() {
            map.insert(name.to_owned(), value);
            return;
        }
        at = map.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
}
