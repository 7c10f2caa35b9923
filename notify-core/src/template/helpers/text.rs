//! Cutting text between characters as a reader counts them, and escaping.

use handlebars::{Handlebars, Helper, RenderError};
use serde_json::Value;

use super::values::register_pure;
use super::{argument, fail};

pub(super) fn register(registry: &mut Handlebars<'_>) {
    register_pure(registry, "truncate", truncate_helper);
}

fn truncate_helper(h: &Helper<'_>) -> Result<Value, RenderError> {
    let most = argument(h, 1)?
        .as_u64()
        .and_then(|most| usize::try_from(most).ok());
    let most = most.ok_or_else(|| fail("the second argument of truncate is no whole number"))?;
    match argument(h, 0)? {
        Value::Null => Ok(Value::Null),
        Value::String(text) => Ok(truncate(text, most).into()),
        Value::Number(number) => Ok(truncate(&number.to_string(), most).into()),
        _ => Err(fail("the first argument of truncate is no text")),
    }
}

/// At most `most` characters as a reader counts them; the last is `…` where something was cut.
pub(in crate::template) fn truncate(text: &str, most: usize) -> String {
    let mut starts = starts(text);
    // The text is cut if one character more than allowed begins.
    let last = if most == 0 {
        None
    } else {
        starts.by_ref().nth(most - 1)
    };
    match (last, starts.next()) {
        (_, None) if most > 0 || text.is_empty() => text.to_owned(),
        (Some(last), _) => format!("{}…", text[..last].trim_end()),
        (None, _) => String::new(),
    }
}

/// Where each character as a reader counts them begins.
///
/// An approximation of Unicode Standard Annex 29: marks, joiners, variation selectors, skin tones, tags, Hangul vowels
/// and finals stay with what is before them; flags are pairs; a joiner takes what follows along.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let mut before = None;
    let mut flags = 0;
    text.char_indices().filter_map(move |(at, c)| {
        let is_flag = matches!(c, '\u{1F1E6}'..='\u{1F1FF}');
        let joins = match before {
            None => false,
            Some('\r') => c == '\n',
            Some('\u{200D}') => true,
            Some(_) => extends(c) || (is_flag && flags % 2 == 1),
        };
        flags = if is_flag { flags + 1 } else { 0 };
        before = Some(c);
        (!joins).then_some(at)
    })
}

/// Whether a character is seen as part of the one before.
const fn extends(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05BD}' | '\u{05BF}'
        | '\u{05C1}'..='\u{05C2}' | '\u{05C4}'..='\u{05C5}' | '\u{05C7}' | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}' | '\u{0670}' | '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}'
        | '\u{06E7}'..='\u{06E8}' | '\u{06EA}'..='\u{06ED}' | '\u{0900}'..='\u{0903}'
        | '\u{093A}'..='\u{093C}' | '\u{093E}'..='\u{094F}' | '\u{0951}'..='\u{0957}'
        | '\u{0962}'..='\u{0963}' | '\u{0981}'..='\u{0983}' | '\u{09BC}' | '\u{09BE}'..='\u{09CD}'
        | '\u{0A01}'..='\u{0A03}' | '\u{0A3C}'..='\u{0A4D}' | '\u{0A81}'..='\u{0A83}'
        | '\u{0ABC}' | '\u{0ABE}'..='\u{0ACD}' | '\u{0B01}'..='\u{0B03}' | '\u{0B3C}'
        | '\u{0B3E}'..='\u{0B4D}' | '\u{0B82}' | '\u{0BBE}'..='\u{0BCD}' | '\u{0C00}'..='\u{0C04}'
        | '\u{0C3E}'..='\u{0C4D}' | '\u{0C81}'..='\u{0C83}' | '\u{0CBC}' | '\u{0CBE}'..='\u{0CCD}'
        | '\u{0D00}'..='\u{0D03}' | '\u{0D3E}'..='\u{0D4D}' | '\u{0E31}' | '\u{0E33}'..='\u{0E3A}'
        | '\u{0E47}'..='\u{0E4E}' | '\u{0EB1}' | '\u{0EB3}'..='\u{0EBC}' | '\u{0EC8}'..='\u{0ECE}'
        | '\u{1160}'..='\u{11FF}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}'
        | '\u{200C}'..='\u{200D}' | '\u{20D0}'..='\u{20FF}' | '\u{302A}'..='\u{302F}'
        | '\u{3099}'..='\u{309A}' | '\u{FE00}'..='\u{FE0F}' | '\u{FE20}'..='\u{FE2F}'
        | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}' | '\u{E0100}'..='\u{E01EF}')
}

/// The characters that Handlebars replaces, which are safe in text and in attributes.
pub(in crate::template) fn escape_html(text: &str) -> String {
    let entity = |b: u8| match b {
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'&' => Some("&amp;"),
        b'"' => Some("&quot;"),
        b'\'' => Some("&#x27;"),
        b'`' => Some("&#x60;"),
        b'=' => Some("&#x3D;"),
        _ => None,
    };
    let Some(first) = text.bytes().position(|b| entity(b).is_some()) else {
        return text.to_owned();
    };
    let mut escaped = String::with_capacity(text.len() + text.len() / 8 + 16);
    escaped.push_str(&text[..first]);
    let mut plain = first;
    for (at, byte) in text.bytes().enumerate().skip(first) {
        if let Some(entity) = entity(byte) {
            escaped.push_str(&text[plain..at]);
            escaped.push_str(entity);
            plain = at + 1;
        }
    }
    escaped.push_str(&text[plain..]);
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_as_a_reader_counts_them() {
        for (text, most, expected) in [
            ("hello", 5, "hello"),
            ("hello", 4, "hel…"),
            ("hello", 1, "…"),
            ("hello", 0, ""),
            ("", 0, ""),
            ("a b c", 3, "a…"),
            ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
            ("👨‍👩‍👧‍👦👍🏽!", 3, "👨‍👩‍👧‍👦👍🏽!"),
            ("👨‍👩‍👧‍👦👍🏽!", 2, "👨‍👩‍👧‍👦…"),
            ("🇩🇪🇫🇷🇪🇸", 2, "🇩🇪…"),
            ("привет", 4, "при…"),
        ] {
            assert_eq!(truncate(text, most), expected, "{text} {most}");
        }
    }

    #[test]
    fn escaping_is_that_of_handlebars() {
        for text in ["", "plain", "<a href='x'>\"&`=</a>", "ü<ö", "=x"] {
            assert_eq!(escape_html(text), handlebars::html_escape(text));
        }
    }
}
