//! Reads the tags of a template before the parser does, and refuses what the parser cannot bear.
//!
//! The parser recurses once for each nested block and parenthesis, so that deep input overflows the
//! stack and ends the process; unclosed comments and long runs of backslashes cost it quadratic time.
//! This scan is one loop. Where the grammar would let a tag reach past the first `}}`, in a string
//! or in brackets, the tag is refused: only then do scan and parser agree on what is a tag.

use crate::template::flaw::Flaw;
use crate::template::limits::TemplateLimits;

/// The longest run of backslashes; the parser looks at the rest of a run from each of its places.
const MAX_BACKSLASHES: usize = 64;

/// Checks size, number of tags, nesting and strings of one source.
pub(super) fn check(source: &str, limits: &TemplateLimits) -> Result<(), Flaw> {
    if source.len() > limits.part_bytes {
        return Err(Flaw::new(format!(
            "is larger than {} bytes",
            limits.part_bytes
        )));
    }
    let mut scan = Scan {
        source,
        at: 0,
        line: 1,
        tags: 0,
        depth: 0,
        open: Vec::new(),
        limits,
    };
    while scan.tag()? {}
    match scan.open.last() {
        Some(block) => Err(Flaw::at(block.line, "this block is not closed")),
        None => Ok(()),
    }
}

struct Scan<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    tags: usize,
    depth: usize,
    open: Vec<Block>,
    limits: &'a TemplateLimits,
}

/// A block that is open.
struct Block {
    line: usize,
    /// `else if` branches: the parser nests each in the one before.
    branches: usize,
}

impl Scan<'_> {
    /// Reads up to the end of the next tag; `false` if there is none.
    fn tag(&mut self) -> Result<bool, Flaw> {
        let text = &self.source[self.at..];
        let Some(start) = text.find("{{") else {
            self.text(text)?;
            return Ok(false);
        };
        let (before, rest) = text.split_at(start);
        self.text(before)?;
        self.advance(start);
        if rest.starts_with("{{{{") {
            return Err(
                self.flaw("raw blocks ({{{{…}}}}) are not supported; \\{{ prints two braces")
            );
        }
        if before.len() - before.trim_end_matches('\\').len() == 1 {
            self.advance(2);
            return Ok(true);
        }
        self.tags += 1;
        if self.tags > self.limits.tags {
            return Err(self.flaw(format!("has more than {} tags", self.limits.tags)));
        }
        let length = if rest.starts_with("{{!") {
            self.comment(rest)?
        } else {
            self.expression(rest)?
        };
        self.advance(length);
        Ok(true)
    }

    fn text(&self, text: &str) -> Result<(), Flaw> {
        let longest = text.split(|c| c != '\\').map(str::len).max().unwrap_or(0);
        if longest > MAX_BACKSLASHES {
            return Err(self.flaw(format!(
                "has more than {MAX_BACKSLASHES} backslashes in a row"
            )));
        }
        Ok(())
    }

    /// How long a comment is.
    fn comment(&self, rest: &str) -> Result<usize, Flaw> {
        let inner = rest[3..].trim_start();
        let (from, end) = match inner.strip_prefix("--") {
            Some(inner) => (rest.len() - inner.len(), "--}}"),
            None => (3, "}}"),
        };
        match rest[from..].find(end) {
            Some(length) => Ok(from + length + end.len()),
            None => Err(self.flaw(format!("this comment is not closed with {end}"))),
        }
    }

    /// How long a tag is that is no comment.
    fn expression(&mut self, rest: &str) -> Result<usize, Flaw> {
        let Some(end) = rest.find("}}") else {
            return Err(self.flaw("this tag is not closed"));
        };
        let is_triple = rest.starts_with("{{{");
        let inner = &rest[if is_triple { 3 } else { 2 }..end];
        if inner.contains("{{") {
            return Err(self.flaw("this tag is not closed before the next one begins"));
        }
        let bare = inner.trim_start();
        let bare = bare.strip_prefix('~').unwrap_or(bare).trim_start();
        let mut arguments = bare;
        let mut is_partial = bare.starts_with('>');
        if let Some(block) = bare.strip_prefix('#') {
            arguments = block.trim_start();
            is_partial = arguments.starts_with('>');
            arguments = arguments.trim_start_matches('>');
            self.open()?;
        } else if let Some(name) = bare.strip_prefix('/') {
            arguments = name;
            self.close()?;
        } else if let Some(chain) = bare.strip_prefix("else").or_else(|| bare.strip_prefix('^')) {
            arguments = chain;
            self.branch(chain)?;
        } else if let Some(rest) = bare.strip_prefix(['>', '&', '{', '*']) {
            arguments = rest;
        }
        if is_partial && inner.contains('\\') {
            return Err(self.flaw("a partial's tag must not hold a backslash"));
        }
        self.arguments(arguments)?;
        let closing = if is_triple && rest[end..].starts_with("}}}") {
            3
        } else {
            2
        };
        Ok(end + closing)
    }

    fn open(&mut self) -> Result<(), Flaw> {
        self.open.push(Block {
            line: self.line,
            branches: 0,
        });
        self.deeper()
    }

    fn close(&mut self) -> Result<(), Flaw> {
        match self.open.pop() {
            Some(block) => {
                self.depth -= 1 + block.branches;
                Ok(())
            }
            None => Err(self.flaw("this closes no block")),
        }
    }

    /// `{{else}}`, or `{{else if x}}` which nests.
    fn branch(&mut self, rest: &str) -> Result<(), Flaw> {
        if self.open.is_empty() {
            return Err(self.flaw("this else belongs to no block; for {{^x}} write {{#unless x}}"));
        }
        if rest.trim().trim_end_matches('~').is_empty() {
            return Ok(());
        }
        if let Some(block) = self.open.last_mut() {
            block.branches += 1;
        }
        self.deeper()
    }

    fn deeper(&mut self) -> Result<(), Flaw> {
        self.depth += 1;
        if self.depth > self.limits.depth() {
            return Err(self.flaw(too_deep(self.limits)));
        }
        Ok(())
    }

    /// Strings, brackets and parentheses of a tag.
    fn arguments(&self, text: &str) -> Result<(), Flaw> {
        let (mut rest, mut nested, mut begins) = (text, 0_usize, true);
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                '"' | '\'' => rest = self.string(rest, c)?,
                '[' => rest = self.brackets(rest)?,
                '{' => return Err(self.flaw(LITERAL)),
                '(' => {
                    nested += 1;
                    if nested > self.limits.depth() {
                        return Err(self.flaw(too_deep(self.limits)));
                    }
                }
                ')' => nested = nested.saturating_sub(1),
                '.' if begins && !rest.starts_with(['.', '/']) => {
                    let name: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
                    let name = if name.is_empty() {
                        "this".to_owned()
                    } else {
                        name
                    };
                    return Err(self.flaw(format!(
                        "Handlebars has no leading dot: write {{{{{name}}}}} for {{{{.{name}}}}}"
                    )));
                }
                _ => {}
            }
            begins = c.is_whitespace() || matches!(c, '(' | '=' | '~');
        }
        Ok(())
    }

    /// What follows a string that began with this quote.
    fn string<'t>(&self, text: &'t str, quote: char) -> Result<&'t str, Flaw> {
        let mut escaped = false;
        for (at, c) in text.char_indices() {
            if c == quote && !escaped {
                return Ok(&text[at + 1..]);
            }
            escaped = c == '\\' && !escaped;
        }
        Err(self.flaw("a string in a tag must be closed, and must not hold }}"))
    }

    /// What follows brackets as in `{{[first name]}}`.
    fn brackets<'t>(&self, text: &'t str) -> Result<&'t str, Flaw> {
        let Some((name, rest)) = text.split_once(']') else {
            return Err(self.flaw("this bracket is not closed"));
        };
        if name.contains(['"', '\'', '[', '(', '{']) {
            return Err(self.flaw(LITERAL));
        }
        Ok(rest)
    }

    fn advance(&mut self, bytes: usize) {
        let passed = &self.source[self.at..self.at + bytes];
        self.line += passed.bytes().filter(|b| *b == b'\n').count();
        self.at += bytes;
    }

    fn flaw(&self, message: impl Into<String>) -> Flaw {
        Flaw::at(self.line, message)
    }
}

/// The sentence for literals that are no texts and no numbers.
pub(super) const LITERAL: &str = "lists and objects cannot be written in a tag; give them as data";

/// The sentence for every kind of nesting.
pub(super) fn too_deep(limits: &TemplateLimits) -> String {
    format!(
        "blocks, else branches, partials or parentheses are nested deeper than {}",
        limits.depth()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use handlebars::template::{Parameter, Template, TemplateElement};
    use proptest::prelude::{ProptestConfig, Strategy, prop, prop_assert, proptest};

    /// The deepest block and the deepest parenthesis that the parser found.
    fn depth(template: &Template) -> (usize, usize) {
        let mut deepest = (0, 0);
        for element in &template.elements {
            let (inner, params): (Vec<_>, Vec<_>) = match element {
                TemplateElement::Expression(h)
                | TemplateElement::HtmlExpression(h)
                | TemplateElement::HelperBlock(h) => (
                    h.template.iter().chain(&h.inverse).collect(),
                    h.params
                        .iter()
                        .chain(h.hash.values())
                        .chain([&h.name])
                        .collect(),
                ),
                TemplateElement::PartialExpression(d)
                | TemplateElement::PartialBlock(d)
                | TemplateElement::DecoratorExpression(d)
                | TemplateElement::DecoratorBlock(d) => (
                    d.template.iter().collect(),
                    d.params
                        .iter()
                        .chain(d.hash.values())
                        .chain([&d.name])
                        .collect(),
                ),
                _ => continue,
            };
            for inner in inner {
                let (blocks, parens) = depth(inner);
                deepest = (deepest.0.max(blocks + 1), deepest.1.max(parens));
            }
            let parens = params.into_iter().map(parens).max().unwrap_or(0);
            deepest.1 = deepest.1.max(parens);
        }
        deepest
    }

    fn parens(parameter: &Parameter) -> usize {
        match parameter {
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(h) => {
                    let inner = h.params.iter().chain(h.hash.values()).chain([&h.name]);
                    1 + inner.map(parens).max().unwrap_or(0)
                }
                _ => 1,
            },
            _ => 0,
        }
    }

    /// Blocks in blocks, and between them pieces that might make the scan see a tag where the parser
    /// sees none, or the other way round.
    fn tricky() -> impl Strategy<Value = String> {
        let whole = prop::sample::select(vec![
            "x",
            "{{!-- {{/if}} --}}",
            "{{!-- {{#if a}} --}}",
            "{{! {{/if}}",
            "{{! {{#if a}}",
            "{{!}}",
            "\\{{/if}}",
            "\\{{#if a}}",
            "\\\\{{a}}",
            "\\\\\\{{a}}",
            "{{a '\"' \"'\"}}",
            "{{a \"\\\"\"}}",
            "{{a '\\''}}",
            "{{a \"\\\\\"}}",
            "{{[a b]}}",
            "{{a.[b c].d}}",
            "{{> 'p'}}",
            "{{> p a='x'}}",
            "{{a (b (c d))}}",
            "{{a x=(b c=(d e))}}",
            "{{{a}}}",
            "{{{ a b }}}",
            "{{&a}}",
            "{{~a~}}",
            "{{elsewhere}}",
            "{{else}}",
            "{{else if (a b)}}",
            "{{^}}",
            "{{~^ if a~}}",
            "{{!-- a",
            "--}}",
            "}}",
            "'",
            "\"",
            "[",
            "]",
            "\\",
            "{",
            "}",
            "{{[']}}",
            "{{a '}}",
            "{{!--}}",
            "{{!---}}",
            "{{! --}}",
            "{{a [1]}}",
            "{{a as |b|}}",
        ]);
        let leaf = prop::collection::vec(whole, 0..4).prop_map(|pieces| pieces.concat());
        leaf.prop_recursive(5, 20, 3, |inner| {
            let open = prop::sample::select(vec![
                ("{{#if a}}", "{{/if}}"),
                ("{{# if a}}", "{{/ if}}"),
                ("{{~#if a~}}", "{{~/if~}}"),
                ("{{#> p}}", "{{/p}}"),
                ("{{~ #>p}}", "{{/p}}"),
                ("{{#each (a b) as |x y|}}", "{{/each}}"),
                ("", ""),
            ]);
            (open, prop::collection::vec(inner, 1..3))
                .prop_map(|((open, close), inner)| format!("{open}{}{close}", inner.concat()))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_parser_never_nests_deeper_than_the_scan_allowed(source in tricky(), limit in 0_usize..3) {
            let limits = TemplateLimits::new().with_depth(limit);
            if check(&source, &limits).is_ok() && let Ok(template) = Template::compile(&source) {
                let (blocks, parens) = depth(&template);
                prop_assert!(blocks <= limit && parens <= limit, "{blocks} {parens} {source}");
            }
        }
    }

    #[test]
    fn what_authors_write_passes() {
        let limits = TemplateLimits::new();
        for source in [
            "{{#if a}}x{{else if (eq a \"b\")}}y{{else}}z{{/if}}",
            "{{~#each xs as |x i|~}} {{x.[first name]}} {{~/each~}}",
            "{{t \"it's\" a='say \"x\"' b=\"\\\"\"}} {{../a}} {{./a}} {{@root.a}} {{a/b}}",
            "{{! it's }}{{!-- {{#if}} \" --}}\\{{#if}} a.b ... {{> layouts/base.html x=1}}{{> 'p'}}",
            "{\"json\": {\"a\": {{a}} } } [x] (y {{{html}}} {{&a}} {{{ a }}}",
        ] {
            assert_eq!(check(source, &limits), Ok(()), "{source}");
        }
    }

    #[test]
    fn flaws_name_the_line_of_their_tag() {
        let limits = TemplateLimits::new();
        let line = |source| check(source, &limits).expect_err(source).line;
        assert_eq!(line("a\n\n{{.a}}"), Some(3));
        assert_eq!(line("{{!\n\n}}\n{{a\n\"}}"), Some(4));
        assert_eq!(line("a\n{{#if b}}\n\n{{c}}"), Some(2));
        assert_eq!(line("\n{{#if b}}\n{{/if}}\n{{/if}}"), Some(4));
    }
}
