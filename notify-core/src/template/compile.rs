//! Compiles a set of templates into an engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::id::TemplateName;
use crate::template::analysis;
use crate::template::engine::{CompiledPart, CompiledTemplate, Engine, Shared, Variants};
use crate::template::flaw::{Flaw, Site};
use crate::template::helpers;
use crate::template::limits::TemplateLimits;
use crate::template::locale::same_tag;
use crate::template::model::Template;
use crate::template::partials::{Library, check_keys};
use crate::template::set::TemplateSet;
use crate::template::syntax;
use crate::template::translate::Translator;

impl Engine {
    /// Compiles a set, within the default [limits](TemplateLimits).
    ///
    /// # Errors
    /// [`ErrorKind::Template`] for the first thing that is wrong, naming template, channel, locale, part and line:
    /// a syntax error, a helper, partial or translation that does not exist, partials that include
    /// each other (the error names the way round), or a limit that is passed.
    pub fn compile(set: &TemplateSet) -> Result<Self> {
        Self::compile_within(set, &TemplateLimits::new())
    }

    /// Compiles a set within other limits.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_within(set: &TemplateSet, limits: &TemplateLimits) -> Result<Self> {
        let engine = Self::compile_all(set, limits);
        match engine.faults().first() {
            Some(fault) => Err(Error::new(ErrorKind::Template, fault.as_str())),
            None => Ok(engine),
        }
    }

    /// Compiles what can be compiled: a template that is wrong does not take the others with it.
    ///
    /// A wrong template is still [resolved](Self::resolve), and tells what is wrong when it is used;
    /// [`faults`](Self::faults) lists all that is wrong. For templates out of a store, which other
    /// versions of this library may have let pass.
    #[must_use]
    pub fn compile_all(set: &TemplateSet, limits: &TemplateLimits) -> Self {
        let mut faults = Vec::new();
        let translator = Translator::compile(&set.translations, limits, &mut faults);
        let library = Library::compile(&set.partials, &translator, limits, &mut faults);
        let mut html = helpers::registry(helpers::escape_html);
        let mut text = helpers::registry(handlebars::no_escape);
        for (name, partial) in &library.ready {
            html.register_template(name, partial.clone());
            text.register_template(name, partial.clone());
        }
        let shared = Arc::new(Shared {
            html,
            text,
            translator,
            limits: *limits,
        });
        let mut names: HashMap<TemplateName, Vec<Variants>> = HashMap::new();
        for template in set
            .templates
            .iter()
            .filter(|template| template.deleted_at.is_none())
        {
            let channels = names.entry(template.name.clone()).or_default();
            let at = channels
                .iter()
                .position(|variants| variants.channel == template.channel);
            let at = at.unwrap_or_else(|| {
                channels.push(Variants {
                    channel: template.channel.clone(),
                    locales: Vec::new(),
                });
                channels.len() - 1
            });
            let locales = &mut channels[at].locales;
            let locale = template.locale.as_str();
            if locales
                .iter()
                .any(|known| same_tag(known.locale().as_str(), locale))
            {
                faults.push(Flaw::new("was there before").in_site(&site(template, None)));
                continue;
            }
            let compiled = compile_template(template, &library, &shared);
            faults.extend(compiled.fault().map(str::to_owned));
            locales.push(compiled);
        }
        Self::new(set.release_id(), names, faults)
    }
}

fn site<'a>(template: &'a Template, part: Option<&'a str>) -> Site<'a> {
    let Template {
        name,
        channel,
        locale,
        ..
    } = template;
    Site::Template {
        name,
        channel,
        locale,
        part,
    }
}

fn compile_template(
    template: &Template,
    library: &Library,
    shared: &Arc<Shared>,
) -> CompiledTemplate {
    let mut needs = BTreeSet::new();
    let parts = template
        .validate()
        .map_err(|e| Flaw::new(e.to_string()).in_site(&site(template, None)))
        .and_then(|()| {
            let mut parts = BTreeMap::new();
            for (name, source) in &template.parts {
                let part = compile_part(source, library, shared, &mut needs)
                    .map_err(|flaw| flaw.in_site(&site(template, Some(name))))?;
                parts.insert(name.clone(), part);
            }
            Ok(parts)
        });
    CompiledTemplate::new(template, parts, needs, Arc::clone(shared))
}

fn compile_part(
    source: &str,
    library: &Library,
    shared: &Shared,
    needs: &mut BTreeSet<String>,
) -> Result<CompiledPart, Flaw> {
    let mut template = syntax::parse(source, None, &shared.limits)?;
    let facts = analysis::rewrite(&mut template, &shared.limits)?;
    check_keys(&facts, &shared.translator)?;
    let summary = library.summary(&facts, &shared.limits)?;
    needs.extend(summary.needs);
    Ok(CompiledPart {
        template,
        helpers: summary.helpers,
        source_bytes: source.len(),
    })
}
