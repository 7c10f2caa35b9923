//! Partials, the content of layouts, and the counting of steps.

use handlebars::{
    BlockContext, BlockParamHolder, Context, Handlebars, Helper, HelperDef, HelperResult, Output,
    RenderContext, RenderError, Renderable, Template,
};
use std::collections::VecDeque;

use super::{CONTENT, Frame, PARTIAL, argument, fail};

/// The local partial that is the content of the innermost layout.
const BODY: &str = "\u{1}body";
/// An empty template: the content of a partial that was given none.
const EMPTY: &str = "\u{1}empty";

pub(super) fn register(registry: &mut Handlebars<'_>) {
    let mut empty = Template::new();
    empty.name = Some(EMPTY.to_owned());
    registry.register_template(EMPTY, empty);
    registry.register_helper(PARTIAL, Box::new(Include));
    registry.register_helper(CONTENT, Box::new(Content));
}

/// Counts what a body visits.
pub(super) struct Step<'f>(pub(super) &'f Frame<'f>);

impl HelperDef for Step<'_> {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        _: &mut dyn Output,
    ) -> HelperResult {
        self.0.charge(argument(h, 0)?.as_u64().unwrap_or(1))
    }
}

/// `{{> name context key=value}}`, with a block as content or without.
struct Include;

impl HelperDef for Include {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        r: &'reg Handlebars<'reg>,
        ctx: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let name = argument(h, 0)?.as_str().unwrap_or_default();
        let missing = || fail(format!("there is no partial {name}"));
        let partial: &'rc Template = r.get_template(name).ok_or_else(missing)?;
        let mut block = BlockContext::new();
        if h.param(1).is_some() {
            let value = argument(h, 1)?;
            match h.param(1).and_then(|param| param.context_path()) {
                Some(path) => block.base_path_mut().clone_from(path),
                None => block.set_base_value(value.clone()),
            }
        } else if let Some(parent) = rc.block() {
            block.base_path_mut().clone_from(parent.base_path());
            if let Some(value) = parent.base_value() {
                block.set_base_value(value.clone());
            }
        }
        if let Some(parent) = rc.block() {
            block
                .local_variables_mut()
                .clone_from(parent.local_variables());
        }
        // The content of a layout is rendered on a copy of the block that it was written in, so that
        // `..` means there what it seems to, and on what the layout was given as well.
        let mut around = h
            .template()
            .map(|_| rc.block().cloned().unwrap_or_default());
        for (key, value) in h.hash() {
            if value.is_value_missing() {
                return Err(RenderError::strict_error(value.relative_path()));
            }
            let value = BlockParamHolder::value(value.value().clone());
            if let Some(around) = &mut around {
                around.set_block_param(key, value.clone());
            }
            block.set_block_param(key, value);
        }
        if let Some(content) = h.template().or_else(|| r.get_template(EMPTY)) {
            block.set_local_partial(BODY.to_owned(), content);
        }
        let has_content = around.is_some();
        if let Some(around) = around {
            rc.push_block(around);
        }
        rc.push_block(block);
        partial.render(r, ctx, rc, out)?;
        rc.pop_block();
        if has_content {
            rc.pop_block();
        }
        Ok(())
    }
}

/// `{{> @partial-block}}`: what the includer wrote between `{{#> layout}}` and `{{/layout}}`.
struct Content;

impl HelperDef for Content {
    fn call<'reg: 'rc, 'rc>(
        &self,
        h: &Helper<'rc>,
        r: &'reg Handlebars<'reg>,
        ctx: &'rc Context,
        rc: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let mut inner = rc.replace_blocks(VecDeque::new());
        let layout = inner
            .iter()
            .position(|block| block.get_local_partial(BODY).is_some());
        let content = layout.and_then(|at| inner[at].get_local_partial(BODY));
        let (Some(at), Some(content)) = (layout, content.filter(|content| !is_empty(content)))
        else {
            rc.replace_blocks(inner);
            return fallback(h, r, ctx, rc, out);
        };
        // Below the layout's block lies the copy, and below that the block that was copied, which is
        // left out. The content of the layout around, if any, is found on the copy.
        let mut outer = inner.split_off(at + 1);
        let copied = if outer.len() > 1 {
            outer.remove(1)
        } else {
            None
        };
        rc.replace_blocks(outer);
        content.render(r, ctx, rc, out)?;
        let mut outer = rc.replace_blocks(VecDeque::new());
        if let Some(copied) = copied {
            outer.insert(1, copied);
        }
        inner.append(&mut outer);
        rc.replace_blocks(inner);
        Ok(())
    }
}

fn is_empty(template: &Template) -> bool {
    template.name.as_deref() == Some(EMPTY)
}

/// What stands between `{{#> @partial-block}}` and `{{/@partial-block}}`.
fn fallback<'reg: 'rc, 'rc>(
    h: &Helper<'rc>,
    r: &'reg Handlebars<'reg>,
    ctx: &'rc Context,
    rc: &mut RenderContext<'reg, 'rc>,
    out: &mut dyn Output,
) -> HelperResult {
    match h.template() {
        Some(template) => template.render(r, ctx, rc, out),
        None => Err(fail(
            "this partial has a place for content: include it with {{#> name}}…{{/name}}",
        )),
    }
}
