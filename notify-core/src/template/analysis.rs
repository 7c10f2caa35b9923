//! Walks a parsed template once: checks what it uses, notes what it needs, and puts our own partials
//! and step counters in the place of the parser's.
//!
//! The renderer of Handlebars clones all data for each partial, buffers the content of layouts without
//! a limit and counts nothing. So each include becomes a call of a helper of ours, and each body that
//! is run more than once begins with a call that counts its elements.

use handlebars::Path;
use handlebars::template::{
    DecoratorTemplate, ExpressionSpecBuilder, HelperTemplate, Parameter, Template, TemplateElement,
};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

use crate::template::context::is_system;
use crate::template::flaw::Flaw;
use crate::template::guard::{LITERAL, too_deep};
use crate::template::helpers::{self, HelperSet};
use crate::template::limits::TemplateLimits;

/// What is known about one source.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Helpers that need to be told about the recipient.
    pub(super) helpers: HelperSet,
    /// The deepest block.
    pub(super) depth: usize,
    /// Partials that are included.
    pub(super) calls: Vec<Call>,
    /// Variables that are printed whatever happens, such as `order.id`.
    pub(super) needs: BTreeSet<String>,
    /// Keys of translations that are written out, and their lines.
    pub(super) keys: Vec<(Option<usize>, String)>,
}

/// One include.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) partial: String,
    pub(super) line: Option<usize>,
    /// How deep it is, with its content.
    pub(super) depth: usize,
    /// Layouts in whose content it is: it runs inside of them.
    pub(super) under: Vec<String>,
    /// For includes that run whatever happens, on the same data: the names that arguments hide.
    pub(super) always: Option<BTreeSet<String>>,
}

/// Checks and rewrites a template.
pub(super) fn rewrite(template: &mut Template, limits: &TemplateLimits) -> Result<Facts, Flaw> {
    let mut walk = Walk {
        facts: Facts::default(),
        limits,
    };
    walk.template(
        template,
        Place {
            depth: 0,
            is_top: true,
        },
    )?;
    Ok(walk.facts)
}

/// Rewrites a partial, which begins by counting its elements.
pub(super) fn rewrite_partial(
    template: &mut Template,
    limits: &TemplateLimits,
) -> Result<Facts, Flaw> {
    let mut walk = Walk {
        facts: Facts::default(),
        limits,
    };
    let weight = walk.template(
        template,
        Place {
            depth: 0,
            is_top: true,
        },
    )?;
    walk.count(template, weight)?;
    Ok(walk.facts)
}

struct Walk<'a> {
    facts: Facts,
    limits: &'a TemplateLimits,
}

#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Outside of all blocks: what is here is always rendered, on the data itself.
    is_top: bool,
}

impl Place {
    const fn inside(self) -> Self {
        Self {
            depth: self.depth + 1,
            is_top: false,
        }
    }
}

impl Walk<'_> {
    /// Returns how many elements one run visits, loops and partials aside: they count themselves.
    fn template(&mut self, template: &mut Template, place: Place) -> Result<u64, Flaw> {
        if place.depth > self.limits.depth() {
            return Err(Flaw::new(too_deep(self.limits)));
        }
        self.facts.depth = self.facts.depth.max(place.depth);
        let mut weight = 0;
        for (index, element) in template.elements.iter_mut().enumerate() {
            let line = template.mapping.get(index).map(|mapping| mapping.0);
            let visited = self
                .element(element, place, line)
                .map_err(|flaw| flaw.or_line(line))?;
            weight += visited;
        }
        Ok(weight)
    }

    fn element(
        &mut self,
        element: &mut TemplateElement,
        place: Place,
        line: Option<usize>,
    ) -> Result<u64, Flaw> {
        match element {
            TemplateElement::RawString(_) | TemplateElement::Comment(_) => Ok(1),
            TemplateElement::Expression(call) | TemplateElement::HtmlExpression(call) => {
                self.expression(call, place, line)?;
                Ok(1)
            }
            TemplateElement::HelperBlock(block) => self.block(block, place, line),
            TemplateElement::PartialExpression(include)
            | TemplateElement::PartialBlock(include) => {
                let call = self.include(include, place, line)?;
                *element = TemplateElement::HelperBlock(Box::new(call));
                Ok(1)
            }
            _ => Err(Flaw::new(
                "inline partials ({{#*inline}}) are not supported: write a partial",
            )),
        }
    }

    /// `{{name}}` or `{{helper argument}}`.
    fn expression(
        &mut self,
        call: &mut HelperTemplate,
        place: Place,
        line: Option<usize>,
    ) -> Result<(), Flaw> {
        if !call.params.is_empty() || !call.hash.is_empty() {
            return self.value_helper(call, place, line);
        }
        let Parameter::Path(path) = &call.name else {
            return Err(Flaw::new(
                "a helper is called without parentheses: {{helper argument}}",
            ));
        };
        self.need(path, place);
        let raw = raw(path);
        if helpers::spec(raw).is_some() || helpers::is_block(raw) {
            // Helpers come before variables of the same name; a helper without arguments makes
            // no sense, and data with a field `date` is common.
            let path = Path::parse(&format!("this.{raw}")).map_err(|e| Flaw::new(e.to_string()))?;
            call.name = Parameter::Path(path);
        }
        Ok(())
    }

    /// A helper that gives a value, alone or in parentheses.
    fn value_helper(
        &mut self,
        call: &mut HelperTemplate,
        place: Place,
        line: Option<usize>,
    ) -> Result<(), Flaw> {
        let name = name(&call.name)?;
        let Some(spec) = helpers::spec(name) else {
            return Err(Flaw::new(if helpers::is_block(name) {
                format!("{name} is a block: write {{{{#{name} x}}}}…{{{{/{name}}}}}")
            } else {
                format!("there is no helper {name}")
            }));
        };
        spec.check(call.params.len(), call.hash.keys().map(String::as_str))?;
        self.facts.helpers = self.facts.helpers | spec.needs;
        if let (helpers::TRANSLATE, Some(Parameter::Literal(Value::String(key)))) =
            (name, call.params.first())
        {
            self.facts.keys.push((line, key.clone()));
        }
        let needed = if spec.is_lenient {
            Place {
                is_top: false,
                ..place
            }
        } else {
            place
        };
        self.arguments(&mut call.params, &mut call.hash, needed, line)
    }

    fn arguments(
        &mut self,
        params: &mut [Parameter],
        hash: &mut HashMap<String, Parameter>,
        place: Place,
        line: Option<usize>,
    ) -> Result<(), Flaw> {
        for parameter in params.iter_mut().chain(hash.values_mut()) {
            match parameter {
                Parameter::Path(path) => self.need(path, place),
                Parameter::Subexpression(inner) => match inner.element.as_mut() {
                    TemplateElement::Expression(call)
                        if !call.params.is_empty() || !call.hash.is_empty() =>
                    {
                        self.value_helper(call, place, line)?;
                    }
                    _ => return Err(Flaw::new("parentheses hold a helper and its arguments")),
                },
                Parameter::Literal(Value::Array(_) | Value::Object(_)) => {
                    return Err(Flaw::new(LITERAL));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Notes a variable that is always read.
    fn need(&mut self, path: &Path, place: Place) {
        if let Some(name) = variable(path).filter(|name| place.is_top && !is_system(first(name))) {
            self.facts.needs.insert(name);
        }
    }

    fn block(
        &mut self,
        block: &mut HelperTemplate,
        place: Place,
        line: Option<usize>,
    ) -> Result<u64, Flaw> {
        let name = name(&block.name)?.to_owned();
        if !helpers::is_block(&name) {
            return Err(Flaw::new(if helpers::spec(&name).is_some() {
                format!("{name} is no block: write {{{{#if ({name} …)}}}}")
            } else {
                format!(
                    "there is no block {name}: write {{{{#if x}}}}, {{{{#each x}}}} or {{{{#with x}}}}"
                )
            }));
        }
        let known = |key: &String| key == "includeZero" && matches!(name.as_str(), "if" | "unless");
        if block.params.len() != 1 || !block.hash.keys().all(known) {
            return Err(Flaw::new(format!("{{{{#{name}}}}} takes one argument")));
        }
        self.arguments(
            &mut block.params,
            &mut block.hash,
            Place {
                is_top: false,
                ..place
            },
            line,
        )?;
        let mut weight = 1;
        if let Some(otherwise) = &mut block.inverse {
            weight += self.template(otherwise, place.inside())?;
        }
        if let Some(body) = &mut block.template {
            let visited = self.template(body, place.inside())?;
            if name == "each" {
                self.count(body, visited)?;
            } else {
                weight += visited;
            }
        }
        Ok(weight)
    }

    /// An include becomes a call of a helper of ours.
    fn include(
        &mut self,
        include: &mut DecoratorTemplate,
        place: Place,
        line: Option<usize>,
    ) -> Result<HelperTemplate, Flaw> {
        let Parameter::Name(raw) = &include.name else {
            return Err(Flaw::new(
                "a partial is included by its name, which cannot be computed",
            ));
        };
        let name = raw.trim_matches('\'').to_owned();
        let is_content = name == "@partial-block";
        let arguments = include.params.len() + if is_content { include.hash.len() } else { 0 };
        if arguments > usize::from(!is_content) {
            return Err(Flaw::new(
                "a partial takes one context and named values; @partial-block none",
            ));
        }
        let top = Place {
            is_top: false,
            ..place
        };
        let always = (place.is_top && include.params.is_empty() && !is_content)
            .then(|| include.hash.keys().cloned().collect());
        self.arguments(&mut include.params, &mut include.hash, top, line)?;

        let (outer, first) = (self.facts.depth, self.facts.calls.len());
        self.facts.depth = place.depth + 1;
        if let Some(content) = &mut include.template {
            let weight = self.template(content, place.inside())?;
            self.count(content, weight)?;
        }
        let depth = self.facts.depth;
        self.facts.depth = outer.max(depth);
        let mut params = std::mem::take(&mut include.params);
        if !is_content {
            for inner in &mut self.facts.calls[first..] {
                inner.under.push(name.clone());
            }
            let under = Vec::new();
            self.facts.calls.push(Call {
                partial: name.clone(),
                line,
                depth,
                under,
                always,
            });
            params.insert(0, Parameter::Literal(Value::String(name)));
        }
        let helper = if is_content {
            helpers::CONTENT
        } else {
            helpers::PARTIAL
        };
        let mut call = helper_call(helper, params)?;
        call.hash = std::mem::take(&mut include.hash);
        call.template = include.template.take();
        Ok(call)
    }

    /// Makes a body begin by counting its elements.
    fn count(&mut self, body: &mut Template, weight: u64) -> Result<(), Flaw> {
        let step = helper_call(
            helpers::STEP,
            vec![Parameter::Literal(Value::from(weight + 1))],
        )?;
        body.elements
            .insert(0, TemplateElement::Expression(Box::new(step)));
        if let Some(first) = body.mapping.first().cloned() {
            body.mapping.insert(0, first);
        }
        self.facts.helpers = self.facts.helpers | HelperSet::STEP;
        Ok(())
    }
}

fn helper_call(name: &str, params: Vec<Parameter>) -> Result<HelperTemplate, Flaw> {
    let spec = ExpressionSpecBuilder::default()
        .name(Parameter::Name(name.to_owned()))
        .params(params)
        .hash(HashMap::new())
        .omit_pre_ws(false)
        .omit_pro_ws(false)
        .build()
        .map_err(|e| Flaw::new(e.to_string()))?;
    Ok(HelperTemplate::new(spec, true, false))
}

fn name(parameter: &Parameter) -> Result<&str, Flaw> {
    match parameter {
        Parameter::Name(name) => Ok(name),
        Parameter::Path(path) => Ok(raw(path)),
        _ => Err(Flaw::new("the name of a helper cannot be computed")),
    }
}

/// A path as it was written.
fn raw(path: &Path) -> &str {
    match path {
        Path::Relative((_, raw)) | Path::Local((_, _, raw)) => raw,
    }
}

/// The path from the root of the data, as `order.id`; `None` for `this`, `@index`, `../x`.
fn variable(path: &Path) -> Option<String> {
    let Path::Relative((segments, raw)) = path else {
        return None;
    };
    let mut names = Vec::with_capacity(segments.len());
    for segment in segments {
        match segment {
            // A dot inside of a name, as in `[a.b]`, cannot be told from a step.
            handlebars::PathSeg::Named(name) if name.contains('.') => return None,
            handlebars::PathSeg::Named(name) => names.push(name.as_str()),
            _ if raw.starts_with("@root") => {}
            _ => return None,
        }
    }
    (!names.is_empty()).then(|| names.join("."))
}

/// The first name of a variable.
pub(super) fn first(variable: &str) -> &str {
    variable.split('.').next().unwrap_or(variable)
}
