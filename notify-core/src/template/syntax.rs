//! Parses Handlebars, after the guard has looked.

use handlebars::template::Template;
use handlebars::{TemplateError, TemplateErrorReason};
use std::panic::catch_unwind;

use crate::template::flaw::Flaw;
use crate::template::guard;
use crate::template::limits::TemplateLimits;

/// Parses one source; `name` is what the parser calls it in the errors of a rendering.
pub(super) fn parse(
    source: &str,
    name: Option<&str>,
    limits: &TemplateLimits,
) -> Result<Template, Flaw> {
    guard::check(source, limits)?;
    // The parser has panicked on odd input before; one bad template must not end the task that
    // reloads all of them.
    let parsed = catch_unwind(|| match name {
        Some(name) => Template::compile_with_name(source, name.to_owned()),
        None => Template::compile(source),
    });
    match parsed {
        Ok(Ok(template)) => Ok(template),
        Ok(Err(error)) => Err(flaw(&error)),
        Err(_) => Err(Flaw::new("the parser cannot read this template")),
    }
}

fn flaw(error: &TemplateError) -> Flaw {
    let line = error.pos().map(|(line, _)| line);
    let message = match error.reason() {
        TemplateErrorReason::InvalidSyntax(what) => format!("invalid syntax: {what}"),
        TemplateErrorReason::MismatchingClosedHelper(open, close)
        | TemplateErrorReason::MismatchingClosedDecorator(open, close) => {
            format!("the block {open} is closed by {close}")
        }
        other => other.to_string(),
    };
    Flaw { line, message }
}
