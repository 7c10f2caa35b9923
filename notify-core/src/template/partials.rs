//! Partials: which include which, how deep, and what that means for who includes them.

use handlebars::template::Template;
use std::collections::{BTreeSet, HashMap};

use crate::template::analysis::{self, Facts, first};
use crate::template::flaw::{Flaw, Site};
use crate::template::guard::too_deep;
use crate::template::helpers::HelperSet;
use crate::template::limits::TemplateLimits;
use crate::template::model::Partial;
use crate::template::syntax;
use crate::template::translate::Translator;

/// The most partials that an error names.
const MAX_NAMES: usize = 20;

/// The partials of a release.
#[derive(Debug, Default)]
pub(super) struct Library {
    /// What including each means; for those that cannot be used, what is wrong where it began.
    known: HashMap<String, Result<Summary, String>>,
    /// Those that can be used, ready to be registered.
    pub(super) ready: Vec<(String, Template)>,
}

/// What including something means.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) helpers: HelperSet,
    depth: usize,
    pub(super) needs: BTreeSet<String>,
}

struct Draft<'a> {
    partial: &'a Partial,
    template: Template,
    facts: Facts,
}

impl Library {
    /// Compiles partials. What is wrong is noted; who includes such a partial is wrong too.
    pub(super) fn compile(
        partials: &[Partial],
        translator: &Translator,
        limits: &TemplateLimits,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut library = Self::default();
        let mut drafts: HashMap<&str, Draft<'_>> = HashMap::new();
        for partial in partials
            .iter()
            .filter(|partial| partial.deleted_at.is_none())
        {
            let name = partial.name.as_str();
            let draft = if drafts.contains_key(name) || library.known.contains_key(name) {
                Err(Flaw::new("was there before"))
            } else {
                draft(partial, translator, limits)
            };
            match draft {
                Ok(draft) => drop(drafts.insert(name, draft)),
                Err(flaw) => library.refuse(name, flaw, faults),
            }
        }
        for name in in_order(&drafts) {
            let Some(draft) = drafts.remove(name.as_str()) else {
                continue;
            };
            match library.summary(&draft.facts, limits) {
                Ok(summary) => {
                    library.known.insert(name.clone(), Ok(summary));
                    library.ready.push((name, draft.template));
                }
                Err(flaw) => library.refuse_includer(&draft, flaw, faults),
            }
        }
        // What has no order includes itself by some way.
        let mut rest: Vec<&str> = drafts.keys().copied().collect();
        rest.sort_unstable();
        let mut way = String::new();
        for (no, name) in rest.into_iter().enumerate() {
            // Finding the way round takes as long as the way is; a few are enough to mend them.
            if no < MAX_NAMES {
                way = cycle(name, &drafts);
            }
            let flaw = Flaw::new(format!("partials include each other: {way}"));
            library.refuse(name, flaw, faults);
        }
        library
    }

    fn refuse(&mut self, name: &str, flaw: Flaw, faults: &mut Vec<String>) {
        let fault = flaw.in_site(&Site::Partial(name));
        faults.push(fault.clone());
        self.known.insert(name.to_owned(), Err(fault));
    }

    /// Refuses a partial; if the fault is one of those it includes, that is what its includers are told.
    fn refuse_includer(&mut self, draft: &Draft<'_>, flaw: Flaw, faults: &mut Vec<String>) {
        let mut called = draft
            .facts
            .calls
            .iter()
            .filter_map(|c| self.known.get(&c.partial));
        let origin = called.find_map(|known| known.as_ref().err().cloned());
        self.refuse(&draft.partial.name, flaw, faults);
        if let Some(origin) = origin {
            self.known.insert(draft.partial.name.clone(), Err(origin));
        }
    }

    /// What is known of something with these facts, with all that it includes.
    pub(super) fn summary(&self, facts: &Facts, limits: &TemplateLimits) -> Result<Summary, Flaw> {
        let mut summary = Summary {
            helpers: facts.helpers,
            depth: facts.depth,
            needs: facts.needs.clone(),
        };
        for call in &facts.calls {
            let partial = self
                .partial(&call.partial)
                .map_err(|f| f.or_line(call.line))?;
            let mut depth = call.depth + partial.depth;
            for layout in &call.under {
                depth += self
                    .partial(layout)
                    .map_err(|f| f.or_line(call.line))?
                    .depth;
            }
            if depth > limits.depth() {
                return Err(Flaw {
                    line: call.line,
                    message: too_deep(limits),
                });
            }
            summary.depth = summary.depth.max(depth);
            summary.helpers = summary.helpers | partial.helpers;
            if let Some(hidden) = &call.always {
                let needs = partial
                    .needs
                    .iter()
                    .filter(|need| !hidden.contains(first(need)));
                summary.needs.extend(needs.cloned());
            }
        }
        Ok(summary)
    }

    fn partial(&self, name: &str) -> Result<&Summary, Flaw> {
        match self.known.get(name) {
            Some(Ok(summary)) => Ok(summary),
            Some(Err(origin)) => Err(Flaw::new(format!("cannot include {name}: {origin}"))),
            None => Err(Flaw::new(format!("there is no partial {name}"))),
        }
    }
}

fn draft<'a>(
    partial: &'a Partial,
    translator: &Translator,
    limits: &TemplateLimits,
) -> Result<Draft<'a>, Flaw> {
    partial.validate().map_err(|e| Flaw::new(e.to_string()))?;
    let mut template = syntax::parse(&partial.source, Some(&partial.name), limits)?;
    let facts = analysis::rewrite_partial(&mut template, limits)?;
    check_keys(&facts, translator)?;
    Ok(Draft {
        partial,
        template,
        facts,
    })
}

/// Refuses keys that are written out and that no language has.
pub(super) fn check_keys(facts: &Facts, translator: &Translator) -> Result<(), Flaw> {
    match facts.keys.iter().find(|(_, key)| !translator.knows(key)) {
        Some((line, key)) => Err(Flaw {
            line: *line,
            message: format!("there is no translation {key} in any language"),
        }),
        None => Ok(()),
    }
}

/// Names of partials, each after those it includes; without those of cycles, and those that include
/// such ones. No recursion: chains may be as long as there are partials.
fn in_order(drafts: &HashMap<&str, Draft<'_>>) -> Vec<String> {
    let mut waiting: HashMap<&str, usize> = HashMap::new();
    let mut includers: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, draft) in drafts {
        let called: BTreeSet<&str> = draft
            .facts
            .calls
            .iter()
            .map(|c| c.partial.as_str())
            .collect();
        let known = called
            .into_iter()
            .filter(|called| drafts.contains_key(called));
        let mut count = 0;
        for called in known {
            includers.entry(called).or_default().push(name);
            count += 1;
        }
        waiting.insert(name, count);
    }
    let mut free: Vec<&str> = waiting
        .iter()
        .filter(|(_, n)| **n == 0)
        .map(|(name, _)| *name)
        .collect();
    free.sort_unstable_by(|a, b| b.cmp(a));
    let mut order = Vec::with_capacity(drafts.len());
    while let Some(name) = free.pop() {
        order.push(name.to_owned());
        for includer in includers.get(name).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(includer) {
                *count -= 1;
                if *count == 0 {
                    free.push(includer);
                }
            }
        }
    }
    order
}

/// The way round on which a partial comes back to itself, or to one it includes.
fn cycle(from: &str, drafts: &HashMap<&str, Draft<'_>>) -> String {
    let mut way = vec![from];
    let mut places = HashMap::from([(from, 0)]);
    let mut at = from;
    // Each partial that has no order includes one that has none either.
    while let Some(next) = drafts.get(at).and_then(|draft| {
        let mut called = draft.facts.calls.iter().map(|call| call.partial.as_str());
        called.find(|name| drafts.contains_key(name))
    }) {
        if let Some(start) = places.insert(next, way.len()) {
            way.drain(..start);
            break;
        }
        way.push(next);
        at = next;
    }
    let back = way.first().copied().unwrap_or(from);
    if way.len() > MAX_NAMES {
        way.truncate(MAX_NAMES);
        way.push("…");
    }
    way.push(back);
    way.join(" → ")
}
