//! Translations, taken apart once so that a rendering only puts them together.

use std::collections::HashMap;

use crate::id::Locale;
use crate::template::flaw::{Flaw, Site};
use crate::template::locale::{Decimal, Format, category, has_category, same_tag};
use crate::template::text::{TranslationEntry, Translations};
use crate::template::{PluralCategory, TemplateLimits};

/// Every translation of a release.
#[derive(Debug, Default)]
pub(super) struct Translator {
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    locale: Locale,
    format: &'static Format,
    entries: HashMap<String, Entry>,
}

#[derive(Debug)]
enum Entry {
    Text(Vec<Segment>),
    Plural(HashMap<PluralCategory, Vec<Segment>>),
}

/// A piece of a translation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Argument(String),
    Text(String),
}

/// A translation that was found, in the language it was found in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    table: &'a Table,
    entry: &'a Entry,
}

impl Translator {
    /// Takes translations apart. What is wrong with an entry is noted, and the entry left out.
    pub(super) fn compile(
        tables: &[Translations],
        limits: &TemplateLimits,
        faults: &mut Vec<String>,
    ) -> Self {
        let mut compiled: Vec<Table> = Vec::with_capacity(tables.len());
        for table in tables.iter().filter(|table| table.deleted_at.is_none()) {
            let site = Site::Translations(&table.locale);
            let tag = table.locale.as_str();
            if compiled
                .iter()
                .any(|known| same_tag(known.locale.as_str(), tag))
            {
                faults.push(Flaw::new("were there before").in_site(&site));
                continue;
            }
            let mut entries = HashMap::with_capacity(table.entries.len());
            for (key, entry) in &table.entries {
                match compile_entry(tag, key, entry, limits) {
                    Ok(entry) => drop(entries.insert(key.clone(), entry)),
                    Err(flaw) => faults.push(flaw.in_site(&site)),
                }
            }
            let format = Format::of(&table.locale);
            compiled.push(Table {
                locale: table.locale.clone(),
                format,
                entries,
            });
        }
        Self { tables: compiled }
    }

    /// The translation in the reader's language or a shorter form of it, otherwise in the default one.
    pub(super) fn find(&self, key: &str, locale: &Locale, default: &Locale) -> Option<Found<'_>> {
        locale.chain().chain(default.chain()).find_map(|tag| {
            let table = self.table(tag)?;
            table.entries.get(key).map(|entry| Found { table, entry })
        })
    }

    fn table(&self, tag: &str) -> Option<&Table> {
        self.tables
            .iter()
            .find(|table| same_tag(table.locale.as_str(), tag))
    }

    /// Whether anything is translated to a language.
    pub(super) fn speaks(&self, locale: &Locale) -> bool {
        locale.chain().any(|tag| self.table(tag).is_some())
    }

    /// Whether any language has a key.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.tables
            .iter()
            .any(|table| table.entries.contains_key(key))
    }
}

impl<'a> Found<'a> {
    /// The pieces of the form that goes with a number; `None` if it has forms and there is no number.
    pub(super) fn segments(&self, count: Option<&Decimal>) -> Option<&'a [Segment]> {
        match self.entry {
            Entry::Text(segments) => Some(segments),
            Entry::Plural(forms) => {
                let form = category(self.table.locale.as_str(), count?);
                let segments = forms
                    .get(&form)
                    .or_else(|| forms.get(&PluralCategory::Other));
                segments.map(Vec::as_slice)
            }
        }
    }

    /// How the language it was found in writes numbers.
    pub(super) const fn format(&self) -> &'static Format {
        self.table.format
    }
}

fn compile_entry(
    tag: &str,
    key: &str,
    entry: &TranslationEntry,
    limits: &TemplateLimits,
) -> Result<Entry, Flaw> {
    let about = |message: String| Flaw::new(format!("{key}: {message}"));
    let compile = |text: &str| {
        if text.len() > limits.part_bytes {
            return Err(about(format!("is larger than {} bytes", limits.part_bytes)));
        }
        segments(text).map_err(|message| about(message.to_owned()))
    };
    match entry {
        TranslationEntry::Text(text) => compile(text).map(Entry::Text),
        TranslationEntry::Plural(forms) => {
            if !forms.contains_key(&PluralCategory::Other) {
                return Err(about("lacks the form other".to_owned()));
            }
            if let Some(form) = forms.keys().find(|form| !has_category(tag, **form)) {
                return Err(about(format!("{tag} has no plural form {}", form.as_str())));
            }
            let forms = forms
                .iter()
                .map(|(form, text)| compile(text).map(|s| (*form, s)));
            forms.collect::<Result<_, _>>().map(Entry::Plural)
        }
    }
}

/// Splits at `{name}`. Other braces stand for themselves.
fn segments(text: &str) -> Result<Vec<Segment>, &'static str> {
    let mut segments = Vec::new();
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        plain.push_str(before);
        if after.starts_with('{') {
            return Err("an argument is written {name}, with one brace");
        }
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let name = &after[..after.find(|c| !is_name(c)).unwrap_or(after.len())];
        match (name.is_empty(), after[name.len()..].chars().next()) {
            (false, Some('}')) => {
                if !plain.is_empty() {
                    segments.push(Segment::Text(std::mem::take(&mut plain)));
                }
                segments.push(Segment::Argument(name.to_owned()));
                rest = &after[name.len() + 1..];
            }
            (false, Some(',')) => {
                return Err(
                    "messages such as {count, plural, …} are not supported: give each plural form by name",
                );
            }
            _ => {
                plain.push('{');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        segments.push(Segment::Text(plain));
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn translator(tables: &[Translations]) -> (Translator, Vec<String>) {
        let mut faults = Vec::new();
        let translator = Translator::compile(tables, &TemplateLimits::new(), &mut faults);
        (translator, faults)
    }

    #[test]
    fn arguments_are_told_from_other_braces() {
        let text = |t: &str| Segment::Text(t.to_owned());
        let argument = |t: &str| Segment::Argument(t.to_owned());
        assert_eq!(
            segments("Hi {name}, {}! {x y} {count}"),
            Ok(vec![
                text("Hi "),
                argument("name"),
                text(", {}! {x y} "),
                argument("count")
            ])
        );
        assert_eq!(segments(""), Ok(vec![]));
        assert_eq!(segments("a { b"), Ok(vec![text("a { b")]));
        assert!(segments("{{name}}").is_err());
        assert!(segments("{count, plural, one {x}}").is_err());
    }

    #[test]
    fn a_translation_is_looked_for_from_the_region_to_the_default() {
        let (translator, faults) = translator(&[
            Translations::new("pt-BR").with("a", "pt-BR"),
            Translations::new("pt").with("a", "pt").with("b", "pt"),
            Translations::new("en")
                .with("a", "en")
                .with("b", "en")
                .with("c", "en"),
        ]);
        assert!(faults.is_empty());
        let (pt, en) = (Locale::new("pt_BR"), Locale::new("en-US"));
        for (key, expected) in [
            ("a", Some("pt-BR")),
            ("b", Some("pt")),
            ("c", Some("en")),
            ("d", None),
        ] {
            let found = translator
                .find(key, &pt, &en)
                .map(|f| f.table.locale.as_str());
            assert_eq!(found, expected, "{key}");
        }
        assert!(translator.speaks(&Locale::new("pt-PT")) && !translator.speaks(&Locale::new("de")));
        assert!(translator.knows("c") && !translator.knows("d"));
    }

    #[test]
    fn the_form_follows_the_language_it_was_found_in() {
        let forms = |one, other| {
            TranslationEntry::plural([(PluralCategory::One, one), (PluralCategory::Other, other)])
        };
        let (translator, _) = translator(&[
            Translations::new("fr").with("n", forms("un", "des")),
            Translations::new("en")
                .with("n", forms("one", "many"))
                .with("m", forms("1", "n")),
        ]);
        let (fr, en) = (Locale::new("fr"), Locale::new("en"));
        let zero = Decimal::read(&json!(0)).expect("a number");
        let found = |key| translator.find(key, &fr, &en).expect("found");
        assert_eq!(
            found("n").segments(Some(&zero)),
            Some(&[Segment::Text("un".into())][..])
        );
        assert_eq!(
            found("m").segments(Some(&zero)),
            Some(&[Segment::Text("n".into())][..])
        );
        assert_eq!(found("n").segments(None), None);
    }

    #[test]
    fn entries_that_cannot_work_are_named() {
        let (_, faults) = translator(&[
            Translations::new("en")
                .with(
                    "lacks",
                    TranslationEntry::plural([(PluralCategory::One, "x")]),
                )
                .with(
                    "few",
                    TranslationEntry::plural([
                        (PluralCategory::Few, "x"),
                        (PluralCategory::Other, "y"),
                    ]),
                ),
            Translations::new("EN"),
        ]);
        assert_eq!(
            faults,
            [
                "translations en: few: en has no plural form few",
                "translations en: lacks: lacks the form other",
                "translations EN: were there before",
            ]
        );
    }
}
