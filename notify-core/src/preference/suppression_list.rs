//! The suppression list as lines of text: taken over from another system, or given to one. Pure.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

use crate::address::Address;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{AddressScheme, ChannelId};
use crate::preference::{AddressHash, Pepper, Suppression, SuppressionScope, SuppressionSource};

/// What a list of this library begins with as CSV.
pub const CSV_HEADER: &str = "channel,address,hash,scope,source,at";

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListFormat {
    /// `channel,address,hash,scope,source,at` (RFC 4180, one entry a line). The header is optional.
    Csv,
    /// One JSON object a line, with fields of the same names.
    Ndjson,
}

/// One line, as text.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Line {
    #[serde(skip_serializing_if = "String::is_empty")]
    channel: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    address: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    hash: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

impl ListFormat {
    /// Reads one line; `None` if it holds nothing: a header, or white space.
    ///
    /// An address is hashed with this store's key. A `hash`, in hexadecimal, is taken as it is: it means something only to the store
    /// that gave it. `scope` is `all` (default) or `marketing`, `source` as in [`SuppressionSource`] (default `import`), `at` in
    /// microseconds since 1970 (default now).
    ///
    /// ```
    /// use notify_core::preference::{ListFormat, Pepper, SuppressionScope};
    /// use notify_core::{Address, Timestamp};
    ///
    /// # fn main() -> notify_core::Result<()> {
    /// let pepper = Pepper::new(&[7; 32]);
    /// let line = r#"{"channel":"email","address":"ada@example.com","scope":"marketing"}"#;
    /// let entry = ListFormat::Ndjson.read(line, &pepper, Timestamp::EPOCH)?.expect("an entry");
    /// assert_eq!(entry.scope, SuppressionScope::Marketing);
    /// assert_eq!(entry.address, pepper.address(&Address::email("ada@example.com")));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) naming the field, never what it holds.
    pub fn read(self, line: &str, pepper: &Pepper, now: Timestamp) -> Result<Option<Suppression>> {
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.is_empty() || (self == Self::Csv && line.eq_ignore_ascii_case(CSV_HEADER)) {
            return Ok(None);
        }
        let line = match self {
            Self::Csv => Line::csv(line)?,
            Self::Ndjson => serde_json::from_str(line)
                .map_err(|_| Error::invalid("line", "is no JSON object of the known fields"))?,
        };
        line.entry(pepper, now).map(Some)
    }

    /// Writes one entry, without a line end. There is no address in it: this library keeps none.
    #[must_use]
    pub fn write(self, entry: &Suppression) -> String {
        let line = Line {
            channel: entry.channel.as_str().to_owned(),
            address: String::new(),
            hash: hex(entry.address.as_bytes()),
            scope: entry.scope.as_str().to_owned(),
            source: entry.source.as_str().to_owned(),
            at: Some(entry.at.as_micros()),
        };
        match self {
            Self::Csv => format!(
                "{},,{},{},{},{}",
                quoted(&line.channel),
                line.hash,
                line.scope,
                line.source,
                entry.at.as_micros()
            ),
            Self::Ndjson => serde_json::to_string(&line).unwrap_or_default(),
        }
    }
}

impl Line {
    fn csv(line: &str) -> Result<Self> {
        let mut fields = split(line)?.into_iter();
        let mut next = || fields.next().unwrap_or_default();
        let mut read = Self {
            channel: next(),
            address: next(),
            hash: next(),
            scope: next(),
            source: next(),
            at: None,
        };
        let at = next();
        if !at.is_empty() {
            let at = at
                .parse()
                .map_err(|_| Error::invalid("at", "is no number of microseconds since 1970"))?;
            read.at = Some(at);
        }
        if fields.next().is_some() {
            return Err(Error::invalid("line", "has more than six fields"));
        }
        Ok(read)
    }

    fn entry(self, pepper: &Pepper, now: Timestamp) -> Result<Suppression> {
        if self.channel.is_empty() || self.channel.chars().count() > 100 {
            return Err(Error::invalid("channel", "must have 1 to 100 characters"));
        }
        let channel = ChannelId::from(self.channel.as_str());
        let address = match (self.address.as_str(), self.hash.as_str()) {
            ("", "") => return Err(Error::invalid("address", "is missing, and so is a hash")),
            ("", hash) => AddressHash::from_bytes(
                unhex(hash)
                    .ok_or_else(|| Error::invalid("hash", "is not 64 hexadecimal digits"))?,
            ),
            (address, _) => {
                let address = Address::new(scheme(&channel), address);
                address.validate()?;
                pepper.address(&address)
            }
        };
        let or = |text: &str, default: &'static str| {
            if text.is_empty() {
                default.to_owned()
            } else {
                text.to_ascii_lowercase()
            }
        };
        let scope = or(&self.scope, "all").parse::<SuppressionScope>()?;
        let source = or(&self.source, "import").parse::<SuppressionSource>()?;
        let at = self.at.map_or(now, Timestamp::from_micros);
        Ok(Suppression::new(channel, address, scope, source, at))
    }
}

/// The kind of address that a channel has; that of a channel of the application's own is called as the channel.
fn scheme(channel: &ChannelId) -> AddressScheme {
    match channel {
        id if *id == ChannelId::EMAIL => AddressScheme::EMAIL,
        id if *id == ChannelId::SMS => AddressScheme::PHONE,
        id if *id == ChannelId::PUSH => AddressScheme::DEVICE,
        id if *id == ChannelId::IN_APP => AddressScheme::INBOX,
        other => AddressScheme::from(other.as_str()),
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut out = [0; 32];
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (pair[0] << 4) | pair[1];
    }
    Some(out)
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// The fields of a line of CSV, unquoted.
fn split(line: &str) -> Result<Vec<String>> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted || field.is_empty() => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field).trim().to_owned()),
            _ => field.push(c),
        }
    }
    if quoted {
        return Err(Error::invalid("line", "has a quote that is not closed"));
    }
    fields.push(field.trim().to_owned());
    Ok(fields)
}

impl FromStr for SuppressionScope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::All, Self::Marketing]
            .into_iter()
            .find(|scope| scope.as_str() == text)
            .ok_or_else(|| Error::invalid("scope", "is none of all, marketing"))
    }
}

impl FromStr for SuppressionSource {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [
            Self::Bounce,
            Self::Complaint,
            Self::Unsubscribe,
            Self::Manual,
            Self::Import,
        ];
        let found = all.into_iter().find(|source| source.as_str() == text);
        let why = "is none of bounce, complaint, unsubscribe, manual, import";
        found.ok_or_else(|| Error::invalid("source", why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn pepper() -> Pepper {
        Pepper::new(&[7; 32])
    }

    fn read(format: ListFormat, line: &str) -> Result<Option<Suppression>> {
        format.read(line, &pepper(), NOW)
    }

    #[test]
    fn what_is_written_reads_back_in_both_forms() {
        let hash = pepper().address(&Address::phone("+15550100"));
        let (scope, source) = (SuppressionScope::Marketing, SuppressionSource::Complaint);
        for channel in ["sms", "chat,\"odd\""] {
            let entry = Suppression::new(channel.into(), hash, scope, source, NOW);
            for format in [ListFormat::Csv, ListFormat::Ndjson] {
                let line = format.write(&entry);
                let back = read(format, &line).expect("reads").expect("an entry");
                assert_eq!(back, entry, "{line}");
            }
        }
    }

    #[test]
    fn headers_and_empty_lines_are_nothing_and_defaults_are_filled_in() {
        for nothing in [
            "",
            "  ",
            CSV_HEADER,
            "\u{feff}channel,address,hash,scope,source,at",
        ] {
            assert_eq!(read(ListFormat::Csv, nothing).expect("reads"), None);
        }
        let entry = read(ListFormat::Csv, "email,\"ada@example.com\"").expect("reads");
        let entry = entry.expect("an entry");
        assert_eq!(
            (entry.scope, entry.source, entry.at),
            (SuppressionScope::All, SuppressionSource::Import, NOW)
        );
    }

    #[test]
    fn an_error_names_the_field_and_shows_nothing_of_the_line() {
        let bad = [
            (ListFormat::Csv, "email,hunter2", "address"),
            (ListFormat::Csv, ",hunter2@example.com", "channel"),
            (ListFormat::Csv, "email,,hunter2", "hash"),
            (ListFormat::Csv, "email,a@example.com,,hunter2", "scope"),
            (
                ListFormat::Csv,
                "email,a@example.com,,all,hunter2",
                "source",
            ),
            (
                ListFormat::Csv,
                "email,a@example.com,,all,bounce,hunter2",
                "at",
            ),
            (ListFormat::Csv, "email,\"hunter2", "line"),
            (ListFormat::Ndjson, "hunter2", "line"),
            (
                ListFormat::Ndjson,
                r#"{"channel":"sms","address":"hunter2"}"#,
                "address",
            ),
        ];
        for (format, line, field) in bad {
            let error = read(format, line).expect_err("is refused");
            assert_eq!(error.field_name(), Some(field), "{line}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn no_line_breaks_the_reader(line in "\\PC{0,80}") {
            let _ = read(ListFormat::Csv, &line);
            let _ = read(ListFormat::Ndjson, &line);
        }
    }
}
