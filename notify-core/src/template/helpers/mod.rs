//! What templates can call, and with how many arguments.

mod include;
mod text;
mod values;
mod words;

use handlebars::{Handlebars, Helper, RenderContext, RenderError, RenderErrorReason};
use serde_json::Value;
use std::ops::BitOr;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::template::flaw::Flaw;

pub(super) use text::escape_html;
pub(super) use words::Words;

/// The helper that gives translations.
pub(super) const TRANSLATE: &str = "t";
// Authors cannot write these names: no identifier holds a control character.
pub(super) const STEP: &str = "\u{1}step";
pub(super) const PARTIAL: &str = "\u{1}partial";
pub(super) const CONTENT: &str = "\u{1}content";

/// Helpers that hold something of one rendering, and so are registered for it alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct HelperSet(u8);

impl HelperSet {
    const NONE: Self = Self(0);
    const TRANSLATE: Self = Self(1);
    const NUMBER: Self = Self(2);
    const CURRENCY: Self = Self(4);
    const DATE: Self = Self(8);
    pub(super) const STEP: Self = Self(16);

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for HelperSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A helper that gives a value.
#[derive(Debug)]
pub(super) struct Spec {
    name: &'static str,
    arguments: (usize, usize),
    /// The named arguments; `None` for any.
    options: Option<&'static [&'static str]>,
    /// Whether arguments may be missing.
    pub(super) is_lenient: bool,
    pub(super) needs: HelperSet,
}

const fn strict(name: &'static str, min: usize, max: usize) -> Spec {
    Spec {
        name,
        arguments: (min, max),
        options: Some(&[]),
        is_lenient: false,
        needs: HelperSet::NONE,
    }
}

const fn lenient(name: &'static str, min: usize, max: usize) -> Spec {
    Spec {
        is_lenient: true,
        ..strict(name, min, max)
    }
}

const fn told(
    name: &'static str,
    max: usize,
    options: Option<&'static [&'static str]>,
    needs: HelperSet,
) -> Spec {
    Spec {
        options,
        needs,
        ..strict(name, max, max)
    }
}

const ANY: usize = usize::MAX;

static SPECS: [Spec; 17] = [
    told(TRANSLATE, 1, None, HelperSet::TRANSLATE),
    told("number", 1, Some(&["decimals"]), HelperSet::NUMBER),
    told("currency", 2, Some(&["decimals"]), HelperSet::CURRENCY),
    told("date", 1, Some(&["format", "zone"]), HelperSet::DATE),
    strict("truncate", 2, 2),
    lenient("default", 2, 2),
    strict("lookup", 2, 2),
    strict("len", 1, 1),
    strict("eq", 2, 2),
    strict("ne", 2, 2),
    strict("gt", 2, 2),
    strict("gte", 2, 2),
    strict("lt", 2, 2),
    strict("lte", 2, 2),
    lenient("and", 1, ANY),
    lenient("or", 1, ANY),
    lenient("not", 1, 1),
];

/// What is known of a helper that gives a value.
pub(super) fn spec(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}

/// Whether there is a block of this name.
pub(super) fn is_block(name: &str) -> bool {
    matches!(name, "if" | "unless" | "each" | "with")
}

impl Spec {
    /// Checks how a template calls it.
    pub(super) fn check<'a>(
        &self,
        arguments: usize,
        mut options: impl Iterator<Item = &'a str>,
    ) -> Result<(), Flaw> {
        let (min, max) = self.arguments;
        if arguments < min || arguments > max {
            let many = if max == ANY {
                format!("at least {min}")
            } else {
                min.to_string()
            };
            return Err(Flaw::new(format!(
                "{} takes {many} argument(s), not {arguments}",
                self.name
            )));
        }
        let known = |option: &&str| self.options.is_none_or(|known| known.contains(option));
        match options.find(|option| !known(option)) {
            Some(option) => Err(Flaw::new(format!("{} has no option {option}", self.name))),
            None => Ok(()),
        }
    }
}

/// Makes a registry with every helper that is the same for all recipients.
pub(super) fn registry(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    // `log` would write personal data to the host's log.
    registry.unregister_helper("log");
    registry.unregister_helper("raw");
    values::register(&mut registry);
    text::register(&mut registry);
    include::register(&mut registry);
    registry
}

/// What the helpers of one rendering are told.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) words: Words<'a>,
    /// Whether the part is HTML.
    pub(super) is_html: bool,
    /// Steps that are left.
    steps: AtomicU64,
}

impl<'a> Frame<'a> {
    pub(super) const fn new(words: Words<'a>, is_html: bool, steps: u64) -> Self {
        Self {
            words,
            is_html,
            steps: AtomicU64::new(steps),
        }
    }

    /// Pays for work.
    fn charge(&self, steps: u64) -> Result<(), RenderError> {
        // One thread renders; the type is atomic because helpers must be `Sync`.
        let left = self.steps.load(Ordering::Relaxed);
        match left.checked_sub(steps) {
            Some(left) => {
                self.steps.store(left, Ordering::Relaxed);
                Ok(())
            }
            None => Err(fail(
                "takes too many steps: fewer or shorter loops are needed",
            )),
        }
    }
}

/// Registers the helpers that a part uses and that need to be told something.
pub(super) fn bind<'reg: 'rc, 'rc>(
    used: HelperSet,
    frame: &'rc Frame<'rc>,
    rc: &mut RenderContext<'reg, 'rc>,
) {
    if used.has(HelperSet::STEP) {
        rc.register_local_helper(STEP, Box::new(include::Step(frame)));
    }
    let told = [
        (
            TRANSLATE,
            HelperSet::TRANSLATE,
            words::translate as words::Function,
        ),
        ("number", HelperSet::NUMBER, words::number),
        ("currency", HelperSet::CURRENCY, words::currency),
        ("date", HelperSet::DATE, words::date),
    ];
    for (name, one, function) in told {
        if used.has(one) {
            rc.register_local_helper(name, Box::new(words::Told { frame, function }));
        }
    }
}

/// An argument that must be there.
fn argument<'h>(h: &'h Helper<'_>, index: usize) -> Result<&'h Value, RenderError> {
    match h.param(index) {
        Some(param) if param.is_value_missing() => {
            Err(RenderError::strict_error(param.relative_path()))
        }
        Some(param) => Ok(param.value()),
        None => Err(fail(format!("{} lacks argument {}", h.name(), index + 1))),
    }
}

/// A named argument that must be there if it is written.
fn option<'h>(h: &'h Helper<'_>, name: &str) -> Result<Option<&'h Value>, RenderError> {
    match h.hash_get(name) {
        Some(param) if param.is_value_missing() => {
            Err(RenderError::strict_error(param.relative_path()))
        }
        Some(param) => Ok(Some(param.value())),
        None => Ok(None),
    }
}

fn fail(message: impl Into<String>) -> RenderError {
    RenderErrorReason::Other(message.into()).into()
}
