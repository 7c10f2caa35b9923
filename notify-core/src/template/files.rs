//! Reads a folder of templates.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::id::{ChannelId, Locale};
use crate::template::flaw::Flaw;
use crate::template::limits::TemplateLimits;
use crate::template::locale::PluralCategory;
use crate::template::model::{Partial, Template, Variable};
use crate::template::set::TemplateSet;
use crate::template::text::{TranslationEntry, Translations};
use crate::template::{sections, syntax};

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How deep folders may be nested.
const MAX_FOLDERS: usize = 8;
/// What a file is called that stands in for every channel: `*` is no file name on every system.
const ANY: &str = "any";

/// Reads everything below `root`.
pub(super) fn read(root: &Path) -> Result<TemplateSet> {
    let mut set = TemplateSet::new();
    for entry in entries(root)? {
        if !entry.path.is_dir() {
            continue;
        }
        match entry.name.as_str() {
            "_partials" => partials(&entry.path, "", 0, &mut set)?,
            "_locales" => locales(&entry.path, &mut set)?,
            name if name.starts_with('_') => {
                return Err(config(&entry.path, "is neither _partials nor _locales"));
            }
            name => templates(&entry.path, name, 0, &mut set)?,
        }
    }
    Ok(set)
}

struct Entry {
    name: String,
    path: PathBuf,
}

/// What a folder holds, by name, without what begins with a dot.
fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let cannot = |e| config(folder, "cannot be read").source(e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let Some(name) = path
            .file_name()
            .and_then(|name| name.to_str())
            .map(str::to_owned)
        else {
            return Err(config(&path, "has a name that is not UTF-8"));
        };
        if !name.starts_with('.') {
            found.push(Entry { name, path });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// One template's folder, and those below it.
fn templates(folder: &Path, name: &str, depth: usize, set: &mut TemplateSet) -> Result<()> {
    let (mut variables, mut sample, first) = (Vec::new(), None, set.templates.len());
    for entry in entries(folder)? {
        if entry.path.is_dir() {
            deeper(&entry.path, depth)?;
            // Templates of folders below come after ours, and are not ours to complete.
            continue;
        }
        match entry.name.as_str() {
            "variables.json" => variables = declared(&entry.path)?,
            "sample.json" => sample = Some(json::<Value>(&entry.path)?),
            file if file.ends_with(".json") => {
                return Err(config(
                    &entry.path,
                    "is neither variables.json nor sample.json",
                ));
            }
            file if file.ends_with(".hbs") => set.templates.push(template(&entry, name)?),
            _ => {}
        }
    }
    for template in &mut set.templates[first..] {
        template.variables.clone_from(&variables);
        template.sample.clone_from(&sample);
    }
    for entry in entries(folder)?
        .into_iter()
        .filter(|entry| entry.path.is_dir())
    {
        templates(
            &entry.path,
            &format!("{name}/{}", entry.name),
            depth + 1,
            set,
        )?;
    }
    Ok(())
}

/// One file, such as `email.en.hbs`.
fn template(entry: &Entry, name: &str) -> Result<Template> {
    let stem = entry.name.trim_end_matches(".hbs");
    let Some((channel, locale)) = stem
        .rsplit_once('.')
        .filter(|(c, l)| !c.is_empty() && !l.is_empty())
    else {
        return Err(config(
            &entry.path,
            "is not named <channel>.<locale>.hbs, such as email.en.hbs",
        ));
    };
    let channel = if channel == ANY {
        Template::ANY_CHANNEL
    } else {
        ChannelId::parse(channel)
    };
    let mut template = Template::new(name, channel, locale);
    let text = text(&entry.path)?;
    for section in sections::split(&text).map_err(|flaw| wrong(&entry.path, flaw, 1))? {
        syntax::parse(&section.source, None, &TemplateLimits::new())
            .map_err(|flaw| wrong(&entry.path, flaw, section.line))?;
        template.parts.insert(section.part, section.source);
    }
    template
        .validate()
        .map_err(|e| config(&entry.path, &e.to_string()))?;
    Ok(template)
}

fn partials(folder: &Path, prefix: &str, depth: usize, set: &mut TemplateSet) -> Result<()> {
    for entry in entries(folder)? {
        if entry.path.is_dir() {
            deeper(&entry.path, depth)?;
            partials(
                &entry.path,
                &format!("{prefix}{}/", entry.name),
                depth + 1,
                set,
            )?;
        } else if let Some(stem) = entry.name.strip_suffix(".hbs") {
            let text = text(&entry.path)?.replace("\r\n", "\n");
            let partial = Partial::new(format!("{prefix}{stem}"), text.trim_end());
            partial
                .validate()
                .map_err(|e| config(&entry.path, &e.to_string()))?;
            syntax::parse(&partial.source, None, &TemplateLimits::new())
                .map_err(|flaw| wrong(&entry.path, flaw, 1))?;
            set.partials.push(partial);
        }
    }
    Ok(())
}

fn locales(folder: &Path, set: &mut TemplateSet) -> Result<()> {
    for entry in entries(folder)? {
        if let Some(locale) = entry.name.strip_suffix(".json") {
            let mut table = Translations::new(Locale::from(locale));
            flatten(json(&entry.path)?, "", &mut table.entries).map_err(|key| {
                config(
                    &entry.path,
                    &format!("{key} is neither a text nor an object"),
                )
            })?;
            set.translations.push(table);
        }
    }
    Ok(())
}

/// Turns nested objects into keys joined by dots. An object whose keys are plural forms is one entry.
fn flatten(
    map: Map<String, Value>,
    prefix: &str,
    entries: &mut BTreeMap<String, TranslationEntry>,
) -> Result<(), String> {
    for (key, value) in map {
        let key = format!("{prefix}{key}");
        match value {
            Value::String(text) => {
                entries.insert(key, TranslationEntry::Text(text));
            }
            Value::Object(map) if map.contains_key("other") && map.keys().all(|k| is_form(k)) => {
                let forms = serde_json::from_value(Value::Object(map)).map_err(|_| key.clone())?;
                entries.insert(key, TranslationEntry::Plural(forms));
            }
            // serde_json reads at most 128 levels, which bounds this recursion.
            Value::Object(map) => flatten(map, &format!("{key}."), entries)?,
            _ => return Err(key),
        }
    }
    Ok(())
}

fn is_form(key: &str) -> bool {
    PluralCategory::ALL.iter().any(|form| form.as_str() == key)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    #[serde(default = "yes")]
    required: bool,
    sample: Option<Value>,
}

const fn yes() -> bool {
    true
}

fn declared(path: &Path) -> Result<Vec<Variable>> {
    let map: BTreeMap<String, Declaration> = json(path)?;
    let variable = |(name, is): (String, Declaration)| {
        let mut variable = if is.required {
            Variable::required(name)
        } else {
            Variable::optional(name)
        };
        variable.sample = is.sample;
        variable
    };
    Ok(map.into_iter().map(variable).collect())
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_str(&text(path)?).map_err(|e| {
        config(
            path,
            &format!("line {}: is not the JSON that belongs here", e.line()),
        )
        .source(e)
    })
}

fn text(path: &Path) -> Result<String> {
    let cannot = |e| config(path, "cannot be read").source(e);
    if fs::metadata(path).map_err(cannot)?.len() > MAX_FILE_BYTES {
        return Err(config(
            path,
            &format!("is larger than {MAX_FILE_BYTES} bytes"),
        ));
    }
    let bytes = fs::read(path).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|e| {
        let valid = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
        config(path, &format!("line {line}: is not UTF-8"))
    })
}

fn deeper(path: &Path, depth: usize) -> Result<()> {
    if depth + 1 >= MAX_FOLDERS {
        return Err(config(
            path,
            &format!("is nested deeper than {MAX_FOLDERS} folders"),
        ));
    }
    Ok(())
}

fn config(path: &Path, message: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("template file {}: {message}", path.display()),
    )
}

/// The error for a flaw in a section that begins on line `first` of its file.
fn wrong(path: &Path, flaw: Flaw, first: usize) -> Error {
    let line = flaw.line.map_or(first, |line| first + line - 1);
    let message = format!(
        "template file {}, line {line}: {}",
        path.display(),
        flaw.message
    );
    Error::new(ErrorKind::Template, message)
}
