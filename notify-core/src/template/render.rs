//! Rendering: a pure function of template, data and reader.

use handlebars::{Context, Output, RenderErrorReason, Renderable};
use serde_json::Value;
use std::io;

use crate::channel::{Escape, Part};
use crate::error::Result;
use crate::template::context::{RenderContext, RenderData};
use crate::template::engine::{CompiledPart, CompiledTemplate};
use crate::template::flaw::Flaw;
use crate::template::helpers::{self, Frame, Words};
use crate::template::locale::{Format, same_tag};

impl CompiledTemplate {
    /// Renders the parts that the template has, in the order of `parts`.
    ///
    /// Parts with [`Escape::Line`] lose control characters; line breaks in them become spaces.
    ///
    /// # Errors
    /// [`ErrorKind::Template`](crate::ErrorKind::Template) naming template, channel, locale, part and line: a variable is missing,
    /// a helper cannot use its argument, a required part is missing, or a
    /// [limit](crate::template::TemplateLimits) is passed. The text never holds data.
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming `data` if that is neither an object nor null.
    pub fn render(
        &self,
        parts: &[Part],
        data: &Value,
        context: &RenderContext<'_>,
    ) -> Result<Vec<(String, String)>> {
        self.render_data(parts, &RenderData::new(data.clone(), context)?, context)
    }

    /// Renders as [`render`](Self::render) does, of data that was prepared for this context before.
    ///
    /// # Errors
    /// As there.
    pub fn render_data(
        &self,
        parts: &[Part],
        data: &RenderData,
        context: &RenderContext<'_>,
    ) -> Result<Vec<(String, String)>> {
        let own = self.usable()?;
        let words = self.words(context);
        let mut rendered = Vec::with_capacity(parts.len());
        for part in parts {
            match self.part(own, part.name) {
                Some(compiled) => {
                    let text = self
                        .render_part(compiled, part.escape, &data.0, words)
                        .map_err(|flaw| self.error(Some(part.name), &flaw))?;
                    rendered.push((part.name.to_owned(), text));
                }
                None if part.required => {
                    return Err(
                        self.error(None, &Flaw::new(format!("lacks the part {}", part.name)))
                    );
                }
                None => {}
            }
        }
        Ok(rendered)
    }

    /// Renders every part that the template has, whatever the channel: for trying it out.
    pub(super) fn render_own(&self, data: &RenderData, context: &RenderContext<'_>) -> Result<()> {
        let words = self.words(context);
        for (name, part) in self.usable()? {
            let escape = if name == "html" {
                Escape::Html
            } else {
                Escape::Text
            };
            self.render_part(part, escape, &data.0, words)
                .map_err(|flaw| self.error(Some(name), &flaw))?;
        }
        Ok(())
    }

    /// The reader's language for numbers, dates and translations.
    ///
    /// A template in another language than the reader's, which also has no translations to the
    /// reader's, is not mixed with the reader's dates.
    fn words<'a>(&'a self, context: &RenderContext<'a>) -> Words<'a> {
        let translator = &self.shared.translator;
        let own = self.locale().as_str();
        let is_readers = context.locale.chain().any(|tag| same_tag(tag, own));
        let locale = if is_readers || translator.speaks(context.locale) {
            context.locale
        } else {
            self.locale()
        };
        Words {
            translator,
            locale,
            default_locale: context.default_locale,
            format: Format::of(locale),
            zone: context.zone,
        }
    }

    fn render_part(
        &self,
        part: &CompiledPart,
        escape: Escape,
        data: &Context,
        words: Words<'_>,
    ) -> Result<String, Flaw> {
        let shared = &self.shared;
        let is_html = escape == Escape::Html;
        let registry = if is_html { &shared.html } else { &shared.text };
        let frame = Frame::new(words, is_html, shared.limits.steps);
        let mut rc = handlebars::RenderContext::new(None);
        helpers::bind(part.helpers, &frame, &mut rc);
        let limit = shared.limits.output_bytes;
        let text =
            String::with_capacity((part.source_bytes + part.source_bytes / 4 + 16).min(limit));
        let mut out = Bounded {
            text,
            limit,
            is_full: false,
        };
        match part.template.render(registry, data, &mut rc, &mut out) {
            Ok(()) if escape == Escape::Line => Ok(one_line(&out.text)),
            Ok(()) => Ok(out.text),
            Err(_) if out.is_full => Err(Flaw::new(format!("renders more than {limit} bytes"))),
            Err(error) => Err(flaw(&error)),
        }
    }
}

/// What went wrong, without the data.
fn flaw(error: &handlebars::RenderError) -> Flaw {
    let message = match error.reason() {
        RenderErrorReason::MissingVariable(Some(name)) => format!("variable {name} is missing"),
        RenderErrorReason::MissingVariable(None) => "a variable is missing".to_owned(),
        RenderErrorReason::InvalidJsonIndex(name) => format!("a list has no field {name}"),
        RenderErrorReason::Other(message) => message.clone(),
        other => other.to_string(),
    };
    match (&error.template_name, error.line_no) {
        (Some(partial), Some(line)) => {
            Flaw::new(format!("in partial {partial}, line {line}: {message}"))
        }
        (_, line) => Flaw { line, message },
    }
}

/// Text that ends rendering when it is too long.
struct Bounded {
    text: String,
    limit: usize,
    is_full: bool,
}

impl Output for Bounded {
    fn write(&mut self, piece: &str) -> io::Result<()> {
        if piece.len() > self.limit - self.text.len() {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.text.push_str(piece);
        Ok(())
    }
}

/// Makes line breaks spaces and drops other control characters, so that nothing can leave a header.
pub(super) fn one_line(text: &str) -> String {
    let breaks = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let text = text.trim();
    if !text.contains(|c: char| c.is_control() || breaks(c)) {
        return text.to_owned();
    }
    let mut line = String::with_capacity(text.len());
    for words in text
        .split(breaks)
        .map(str::trim)
        .filter(|words| !words.is_empty())
    {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(words.chars().filter(|c| !c.is_control()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line(" a\r\nBcc: x\u{0}y\u{2028}z\t \n"), "a Bcc: xy z");
        assert_eq!(one_line("plain  text"), "plain  text");
        assert_eq!(one_line("\u{7}\n\u{1b}[31m"), "[31m");
    }
}
