//! The name of a release: a hash over one consistent set of templates, partials and translations.

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::template::model::Template;
use crate::template::set::TemplateSet;
use crate::template::text::{TranslationEntry, Translations};

/// Raised when the way of hashing changes. Releases that stores hold must still be told by the old way.
const VERSION: u8 = 1;

/// What a set of templates says, as 128 bits of SHA-256: equal content has equal ids, on every host.
///
/// A delivery keeps the id of the release it was first rendered with, and every later attempt
/// renders with that one, so that a provider never sees two bodies under one idempotency key.
/// Editors, times, versions and samples are no part of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId([u8; 16]);

impl ReleaseId {
    /// The id with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The id with these 128 bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits.to_be_bytes())
    }

    /// The 128 bits.
    #[must_use]
    pub const fn as_u128(&self) -> u128 {
        u128::from_be_bytes(self.0)
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.as_u128())
    }
}

impl fmt::Debug for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ReleaseId {
    type Err = Error;

    /// Reads 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self> {
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = if digits {
            u128::from_str_radix(text, 16).ok()
        } else {
            None
        };
        bits.map(Self::from_u128)
            .ok_or_else(|| Error::invalid("release", "is not 32 hexadecimal digits"))
    }
}

impl Serialize for ReleaseId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ReleaseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

/// A set under its id: what a store keeps, so that every host can render what another one pinned.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    id: ReleaseId,
    set: TemplateSet,
}

impl Release {
    /// The release of this set.
    #[must_use]
    pub fn of(set: TemplateSet) -> Self {
        Self {
            id: set.release_id(),
            set,
        }
    }

    /// The hash of its content.
    #[must_use]
    pub const fn id(&self) -> ReleaseId {
        self.id
    }

    /// Its content.
    #[must_use]
    pub const fn set(&self) -> &TemplateSet {
        &self.set
    }

    /// Its content.
    #[must_use]
    pub fn into_set(self) -> TemplateSet {
        self.set
    }
}

/// Hashes what a set says. The order in which things were added does not matter.
pub(super) fn hash(set: &TemplateSet) -> ReleaseId {
    let mut digest = Digest(Context::new(&SHA256));
    digest.0.update(&[VERSION]);

    let mut templates: Vec<_> = set
        .templates
        .iter()
        .filter(|t| t.deleted_at.is_none())
        .collect();
    templates.sort_by_key(|t| (&t.name, &t.channel, &t.locale));
    digest.number(templates.len());
    templates
        .into_iter()
        .for_each(|template| digest.template(template));

    let mut partials: Vec<_> = set
        .partials
        .iter()
        .filter(|p| p.deleted_at.is_none())
        .collect();
    partials.sort_by_key(|p| &p.name);
    digest.number(partials.len());
    for partial in partials {
        digest.text(&partial.name);
        digest.text(&partial.source);
    }

    let mut tables: Vec<_> = set
        .translations
        .iter()
        .filter(|t| t.deleted_at.is_none())
        .collect();
    tables.sort_by_key(|t| &t.locale);
    digest.number(tables.len());
    tables
        .into_iter()
        .for_each(|table| digest.translations(table));

    let mut id = [0; 16];
    id.copy_from_slice(&digest.0.finish().as_ref()[..16]);
    ReleaseId(id)
}

/// Feeds length-prefixed fields, so that no two different sets feed the same bytes.
struct Digest(Context);

impl Digest {
    fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.update(text.as_bytes());
    }

    fn template(&mut self, template: &Template) {
        self.text(template.name.as_str());
        self.text(template.channel.as_str());
        self.text(template.locale.as_str());
        self.number(template.parts.len());
        for (name, source) in &template.parts {
            self.text(name);
            self.text(source);
        }
        self.number(template.variables.len());
        for variable in &template.variables {
            self.text(&variable.name);
            self.number(usize::from(variable.required));
        }
    }

    fn translations(&mut self, table: &Translations) {
        self.text(table.locale.as_str());
        self.number(table.entries.len());
        for (key, entry) in &table.entries {
            self.text(key);
            match entry {
                TranslationEntry::Text(text) => {
                    self.number(0);
                    self.text(text);
                }
                TranslationEntry::Plural(forms) => {
                    self.number(1);
                    self.number(forms.len());
                    for (form, text) in forms {
                        self.text(form.as_str());
                        self.text(text);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Partial;

    fn set() -> TemplateSet {
        TemplateSet::new()
            .add(Template::new("a", "email", "en").with_part("subject", "s"))
            .add(Template::new("b", "email", "en").with_part("subject", "s"))
            .add_partial(Partial::new("footer", "f"))
            .add_translations(Translations::new("en").with("k", "v"))
    }

    #[test]
    fn the_id_is_the_same_on_every_host_and_in_every_order() {
        let mut other = set();
        other.templates.reverse();
        other.templates[0].editor = "ada".into();
        other.templates[0].version = 7;
        assert_eq!(set().release_id(), other.release_id());
        assert_eq!(
            set().release_id().to_string(),
            "cbae535437d3485039e5d1a53c460fae",
            "stored ids rely on it"
        );
    }

    #[test]
    fn every_change_of_content_changes_the_id() {
        let changes: [fn(&mut TemplateSet); 9] = [
            |s| s.templates[0].name = "c".into(),
            |s| s.templates[0].channel = "sms".into(),
            |s| s.templates[0].locale = "de".into(),
            |s| s.templates[0].parts = [("subject".into(), "other".into())].into(),
            |s| {
                s.templates[0]
                    .variables
                    .push(crate::template::Variable::required("x"))
            },
            |s| s.partials[0].source.push('!'),
            |s| s.partials.clear(),
            |s| s.translations[0] = Translations::new("en").with("k", "w"),
            |s| s.templates[0].deleted_at = Some(crate::clock::Timestamp::EPOCH),
        ];
        let mut seen = vec![set().release_id()];
        for change in changes {
            let mut other = set();
            change(&mut other);
            assert!(!seen.contains(&other.release_id()));
            seen.push(other.release_id());
        }
    }

    #[test]
    fn an_id_reads_back_from_its_text() {
        let id = set().release_id();
        assert_eq!(id.to_string().parse::<ReleaseId>().ok(), Some(id));
        assert_eq!(ReleaseId::from_u128(id.as_u128()), id);
        for bad in ["", "abc", "+0000000000000000000000000000001", "zz"] {
            assert!(bad.parse::<ReleaseId>().is_err());
        }
    }
}
